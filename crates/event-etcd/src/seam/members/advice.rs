//! What to change, from the words of a failed connection.

/// How far a connection came.
pub(super) struct Ended {
    pub(super) tls: bool,
    pub(super) in_handshake: bool,
    /// Whether the client has a certificate.
    pub(super) has_identity: bool,
    /// The first byte that the server sent, or 0 if there was none.
    pub(super) first_byte: u8,
}

pub(super) struct Advice {
    pub(super) text: &'static str,
    /// Whether the server may be refusing the client's certificate.
    pub(super) is_about_identity: bool,
}

/// The first byte of a TLS alert.
const TLS_ALERT: u8 = 0x15;

/// What to change, if that is known.
pub(super) fn advice(words: &str, ended: &Ended) -> Option<Advice> {
    if let Some((_, text)) = BY_WORDS.iter().find(|(known, _)| words.contains(known)) {
        return Some(Advice { text, is_about_identity: words.contains("received fatal alert") });
    }
    let is_closed = CLOSED.iter().any(|known| words.contains(known));
    let (text, is_about_identity) = match (ended.tls, ended.first_byte) {
        (false, TLS_ALERT) => (NEEDS_TLS, false),
        (false, b'H') => (HTTP_1, false),
        (false, 0) if is_closed => (NEEDS_TLS, false),
        (true, 0) if is_closed && ended.in_handshake => (MAY_NOT_SPEAK_TLS, true),
        (true, 0) if is_closed && ended.has_identity => (MAY_REFUSE_IDENTITY, true),
        (true, 0) if is_closed => (MAY_NEED_IDENTITY, false),
        _ => return None,
    };
    Some(Advice { text, is_about_identity })
}

/// How a connection ends, in the words of the operating system and the HTTP/2 library.
const CLOSED: [&str; 6] =
    ["closed", "reset by peer", "eof", "roken pipe", "operation was canceled", "has ended"];

const NEEDS_TLS: &str = "the server closed the connection without an answer: if this port speaks TLS, write \
                         https:// or set `Options::ca_certificate`";
const HTTP_1: &str = "the server does not answer in HTTP/2: check that this is the client port of an etcd, and \
                      that proxies before it forward gRPC";
const MAY_NOT_SPEAK_TLS: &str = "the server closed the connection in the TLS handshake: if this port does not speak \
                                 TLS, write http:// and remove the options for TLS";
const MAY_NEED_IDENTITY: &str = "the server closed the connection without an answer: it may want a certificate of \
                                 the client, which `Options::identity` sets";
const MAY_REFUSE_IDENTITY: &str = "the server closed the connection without an answer: it may not accept the client's \
                                   certificate, so check that an authority of the server's --trusted-ca-file \
                                   signed it";
const NEEDS_IDENTITY: &str = "the server wants a certificate of the client: set `Options::identity` or \
                              `Options::identity_files`";
const REFUSED_IDENTITY: &str = "the server does not accept the client's certificate: `Options::identity` needs one \
                                that an authority of the server's --trusted-ca-file signed, followed by the \
                                intermediate certificates";

/// Words of the TLS library, and what to change. What the server said of the client comes first: an expired
/// certificate may be of either.
const BY_WORDS: [(&str, &str); 31] = [
    ("received fatal alert: CertificateRequired", NEEDS_IDENTITY),
    ("received fatal alert: UnknownCA", REFUSED_IDENTITY),
    (
        "received fatal alert: CertificateExpired",
        "the server finds that the client's certificate has expired: renew it, or set the server's clock",
    ),
    (
        "received fatal alert: CertificateRevoked",
        "the client's certificate was revoked: set another one with `Options::identity`",
    ),
    (
        "received fatal alert: BadCertificate",
        "the server does not accept the client's certificate, or wants one: `Options::identity` needs one that \
         an authority of the server's --trusted-ca-file signed, followed by the intermediate certificates, and \
         that is for client authentication",
    ),
    ("received fatal alert: CertificateUnknown", REFUSED_IDENTITY),
    (
        "received fatal alert: UnsupportedCertificate",
        "the server does not accept the client's kind of certificate: it needs the extended key usage client \
         authentication",
    ),
    ("received fatal alert: AccessDenied", REFUSED_IDENTITY),
    (
        "received fatal alert: UnrecognisedName",
        "the server has no certificate for this name: check the endpoint, or set `Options::domain_name`",
    ),
    (
        "received fatal alert: NoApplicationProtocol",
        "the server's TLS speaks no HTTP/2: check that this is the client port of an etcd, and that what ends \
         TLS before it offers h2",
    ),
    (
        "received fatal alert: HandshakeFailure",
        "the server wants a certificate of the client, which `Options::identity` sets, or the two have no cipher in \
         common: this client speaks TLS 1.2 and 1.3",
    ),
    (
        "received fatal alert: ProtocolVersion",
        "the server and this client have no version of TLS in common: this client speaks TLS 1.2 and 1.3",
    ),
    ("peer is incompatible", "the server's TLS is too old: this client speaks TLS 1.2 and 1.3"),
    (
        "HTTP/2 was not negotiated",
        "TLS ends at a server that does not negotiate HTTP/2: if it forwards to an etcd, as stunnel and TCP load \
         balancers do, set `Options::assume_http2`",
    ),
    (
        "received corrupt message",
        "the server does not speak TLS on this port: write http:// and remove the options for TLS, or use \
         etcd's port for TLS",
    ),
    ("tls handshake eof", MAY_NOT_SPEAK_TLS),
    (
        "CaUsedAsEndEntity",
        "the server's certificate is that of an authority (CA:TRUE), which a server can't have: issue one for \
         the server with CA:FALSE, signed by the authority or by itself",
    ),
    (
        "EndEntityUsedAsCa",
        "a certificate that is not of an authority (CA:FALSE) signed the server's certificate: sign it with an \
         authority's (CA:TRUE)",
    ),
    (
        "UnsupportedCertVersion",
        "the server's certificate is X.509 version 1: issue one of version 3, with the server's names as \
         subject alternative names",
    ),
    (
        "UnknownIssuer",
        "no authority that this client trusts signed the server's certificate: set the one that did with \
         `Options::ca_certificate`, and have the server send its intermediate certificates",
    ),
    (
        "invalid peer certificate: BadSignature",
        "the server's certificate names the authority of `Options::ca_certificate`, and another key signed it: \
         the authority was renewed, so set its new certificate",
    ),
    (
        "invalid peer certificate: certificate expired",
        "the server's certificate, or its authority's, has expired: renew it, or set this machine's clock",
    ),
    ("invalid peer certificate: Expired", "the server's certificate has expired: renew it"),
    (
        "invalid peer certificate: certificate not valid yet",
        "the server's certificate is not valid yet: set this machine's clock, or the clock of its authority",
    ),
    (
        "invalid peer certificate: certificate not valid for name",
        "the server's certificate is for other names: use one of them in the endpoint, or set \
         `Options::domain_name` to one",
    ),
    (
        "NotValidForName",
        "the server's certificate has no name that it is valid for: issue one with the server's names as subject \
         alternative names",
    ),
    (
        "does not allow extended key usage",
        "the server's certificate is not for servers: issue one with the extended key usage server \
         authentication",
    ),
    (
        "InvalidPurpose",
        "the server's certificate is not for servers: issue one with the extended key usage server \
         authentication",
    ),
    ("invalid peer certificate: Revoked", "the server's certificate was revoked: renew it"),
    (
        "UnsupportedSignatureAlgorithm",
        "the server's certificate is signed in a way that this client does not support: sign it with ECDSA, \
         Ed25519 or RSA of 2048 to 8192 bits, and SHA-256 or more",
    ),
    (
        "NameConstraintViolation",
        "the server's authority may not sign certificates for this name: see its name constraints",
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Ended =
        Ended { tls: false, in_handshake: false, has_identity: false, first_byte: 0 };
    const TLS: Ended = Ended { tls: true, ..PLAIN };
    const MUTUAL: Ended = Ended { has_identity: true, ..TLS };

    /// The words are those of rustls 0.23, tokio-rustls 0.26, hyper 1 and Linux, as they were seen.
    #[test]
    fn each_failure_says_what_to_change() {
        for (words, ended, expected) in [
            // What the server said of the client.
            ("received fatal alert: CertificateRequired", &TLS, NEEDS_IDENTITY),
            ("received fatal alert: UnknownCA", &MUTUAL, REFUSED_IDENTITY),
            (
                "received fatal alert: CertificateExpired",
                &MUTUAL,
                "client's certificate has expired",
            ),
            ("received fatal alert: BadCertificate", &MUTUAL, "for client authentication"),
            ("received fatal alert: CertificateUnknown", &MUTUAL, "--trusted-ca-file"),
            ("received fatal alert: HandshakeFailure", &TLS, "TLS 1.2 and 1.3"),
            ("received fatal alert: ProtocolVersion", &TLS, "TLS 1.2 and 1.3"),
            ("received fatal alert: UnrecognisedName", &TLS, "`Options::domain_name`"),
            ("received fatal alert: NoApplicationProtocol", &TLS, "offers h2"),
            ("HTTP/2 was not negotiated", &TLS, "`Options::assume_http2`"),
            // What the client found of the server.
            ("invalid peer certificate: Other(OtherError(CaUsedAsEndEntity))", &TLS, "CA:FALSE"),
            (
                "invalid peer certificate: Other(OtherError(UnsupportedCertVersion))",
                &TLS,
                "version 3",
            ),
            ("invalid peer certificate: Other(OtherError(EndEntityUsedAsCa))", &TLS, "CA:TRUE"),
            ("invalid peer certificate: UnknownIssuer", &TLS, "`Options::ca_certificate`"),
            ("invalid peer certificate: BadSignature", &TLS, "the authority was renewed"),
            (
                "invalid peer certificate: certificate expired: verification time 1795661428 (UNIX), but \
                 certificate is not valid after 1577836800 (217824628 seconds ago)",
                &MUTUAL,
                "the server's certificate",
            ),
            (
                "invalid peer certificate: certificate not valid yet: verification time 1795661428 (UNIX), but \
                 certificate is not valid before 3786912000 (1991250572 seconds in future)",
                &TLS,
                "clock",
            ),
            (
                "invalid peer certificate: certificate not valid for name \"127.0.0.1\"; certificate is only valid \
                 for DnsName(\"elsewhere.example\")",
                &TLS,
                "`Options::domain_name`",
            ),
            (
                "invalid peer certificate: certificate does not allow extended key usage for server \
                 authentication, allows client authentication",
                &TLS,
                "not for servers",
            ),
            // One side speaks TLS, and the other does not.
            ("received corrupt message of type InvalidContentType", &TLS, "write http://"),
            ("tls handshake eof", &TLS, "write http://"),
            (
                "Connection reset by peer (os error 104)",
                &Ended { in_handshake: true, ..TLS },
                "write http://",
            ),
            (
                "transport error: connection error: stream closed because of a broken pipe: Broken pipe (os error \
                 32)",
                &PLAIN,
                "write https://",
            ),
            ("operation was canceled: connection closed", &PLAIN, "write https://"),
            ("transport error: Connection reset by peer (os error 104)", &PLAIN, "write https://"),
            ("http2 error", &Ended { first_byte: TLS_ALERT, ..PLAIN }, "write https://"),
            ("http2 error", &Ended { first_byte: b'H', ..PLAIN }, "gRPC"),
            // Where the server's words are lost.
            ("transport error: Connection reset by peer (os error 104)", &TLS, "may want"),
            ("operation was canceled: connection closed", &MUTUAL, "may not accept"),
        ] {
            let text = advice(words, ended).map_or("", |advice| advice.text);
            assert!(text.contains(expected), "{words}: {text}");
        }
    }

    #[test]
    fn a_connection_that_worked_before_it_ended_needs_no_advice() {
        for ended in [PLAIN, TLS, MUTUAL] {
            let ended = Ended { first_byte: 1, ..ended };
            assert!(advice("Connection reset by peer (os error 104)", &ended).is_none());
        }
        assert!(advice("Connection refused (os error 111)", &PLAIN).is_none());
    }

    #[test]
    fn only_what_the_server_says_is_about_the_clients_certificate() {
        let is_about_identity = |words| advice(words, &MUTUAL).unwrap().is_about_identity;
        assert!(is_about_identity("received fatal alert: BadCertificate"));
        assert!(is_about_identity("connection closed"));
        assert!(!is_about_identity("invalid peer certificate: UnknownIssuer"));
    }
}

//! What to change, from the words of a failed connection.

/// How far a connection came.
pub(super) struct Ended {
    pub(super) tls: bool,
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
        (true, 0) if is_closed && ended.has_identity => (REFUSED_IDENTITY, true),
        (true, 0) if is_closed => (NEEDS_IDENTITY, false),
        _ => return None,
    };
    Some(Advice { text, is_about_identity })
}

/// How a connection ends, in the words of the operating system and the HTTP/2 library.
const CLOSED: [&str; 5] =
    ["closed", "reset by peer", "eof", "Broken pipe", "operation was canceled"];

const NEEDS_TLS: &str = "the server closed the connection without an answer: if this port speaks TLS, write \
                         https:// or set `Options::ca_certificate`";
const HTTP_1: &str = "the server does not answer in HTTP/2: check that this is the client port of an etcd, and \
                      that proxies before it forward gRPC";
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
        "the server and this client have no cipher or kind of certificate in common, or the server wants a \
         certificate of the client: this client speaks TLS 1.2 and 1.3",
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
    (
        "tls handshake eof",
        "the server closed the connection in the TLS handshake: if this port does not speak TLS, write http:// \
         and remove the options for TLS",
    ),
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

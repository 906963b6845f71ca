//! Why a call or a stream failed, sorted into what the session does about it.

use event_core::{Cause, CauseKind};

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) kind: CauseKind,
    /// What happened, in the server's or the transport's words.
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(kind: CauseKind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Whether keys that were asked for are to blame, and not the connection.
    pub(crate) fn concerns_keys(&self) -> bool {
        matches!(
            self.kind,
            CauseKind::PermissionDenied | CauseKind::InvalidArgument | CauseKind::TooLarge
        )
    }

    /// Whether the server is overloaded, so that trying again soon makes it worse: it refuses requests, or did
    /// not finish a login in time (C12, C16).
    pub(crate) fn is_overload(&self) -> bool {
        self.kind == CauseKind::ResourceExhausted
    }
}

impl From<&Failure> for Cause {
    fn from(failure: &Failure) -> Self {
        Self::new(failure.kind, failure.message.as_str())
    }
}

// The gRPC codes that decide, by number: etcd-client does not pass on the type that names them.
const INVALID_ARGUMENT: i32 = 3;
const OUT_OF_RANGE: i32 = 11;
const PERMISSION_DENIED: i32 = 7;
const RESOURCE_EXHAUSTED: i32 = 8;
const UNIMPLEMENTED: i32 = 12;
const UNAUTHENTICATED: i32 = 16;

/// How etcd refuses credentials, in its words: the codes differ from version to version.
const UNAUTHENTICATED_WORDS: [&str; 5] = [
    "authentication failed",
    "auth token",
    "user name is empty",
    "revision of auth store is old",
    "revision in header is old",
];

/// How a server's TLS refuses the client's certificate, in the words of rustls.
const REFUSED_CERTIFICATE_WORDS: [&str; 8] = [
    "received fatal alert: AccessDenied",
    "received fatal alert: BadCertificate",
    "received fatal alert: CertificateExpired",
    "received fatal alert: CertificateRequired",
    "received fatal alert: CertificateRevoked",
    "received fatal alert: CertificateUnknown",
    "received fatal alert: UnknownCA",
    "received fatal alert: UnsupportedCertificate",
];

const NO_LEADER_WORDS: [&str; 3] = ["no leader", "leader changed", "request timed out"];

/// The kind of a refusal, from its gRPC code and its words.
pub(super) fn kind_of(code: i32, message: &str) -> CauseKind {
    let has = |words: &str| message.contains(words);
    match code {
        _ if has("too many operations") => CauseKind::TooLarge,
        // kine, of a transaction of reads (C10).
        _ if has("unsupported operations in txn request") => CauseKind::Unimplemented,
        UNIMPLEMENTED => CauseKind::Unimplemented,
        OUT_OF_RANGE | RESOURCE_EXHAUSTED if has("larger than") || has("too large") => {
            CauseKind::TooLarge
        }
        _ if UNAUTHENTICATED_WORDS.iter().any(|words| has(words)) => CauseKind::Unauthenticated,
        _ if REFUSED_CERTIFICATE_WORDS.iter().any(|words| has(words)) => CauseKind::Unauthenticated,
        PERMISSION_DENIED => CauseKind::PermissionDenied,
        UNAUTHENTICATED => CauseKind::Unauthenticated,
        INVALID_ARGUMENT => CauseKind::InvalidArgument,
        RESOURCE_EXHAUSTED if has("too many requests") => CauseKind::ResourceExhausted,
        _ if NO_LEADER_WORDS.iter().any(|words| has(words)) => CauseKind::NoLeader,
        _ => CauseKind::Unreachable,
    }
}

/// Whether a read was refused because its revision is compacted.
pub(super) fn is_compacted(message: &str) -> bool {
    message.contains("required revision has been compacted")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words are those of `rpctypes/error.go` in etcd's sources, of 3.4, 3.5, 3.6 and 3.7, unless
    /// another source is named. The code comes first.
    #[test]
    fn each_refusal_of_etcd_3_4_to_3_7_is_sorted_by_its_code_and_its_words() {
        const UNKNOWN: i32 = 2;
        const NOT_FOUND: i32 = 5;
        const FAILED_PRECONDITION: i32 = 9;
        const UNAVAILABLE: i32 = 14;
        use CauseKind::{
            InvalidArgument, NoLeader, PermissionDenied, ResourceExhausted, TooLarge,
            Unauthenticated, Unimplemented, Unreachable,
        };
        for (code, message, kind) in [
            (PERMISSION_DENIED, "etcdserver: permission denied", PermissionDenied),
            (UNAUTHENTICATED, "etcdserver: invalid auth token", Unauthenticated),
            (
                INVALID_ARGUMENT,
                "etcdserver: authentication failed, invalid user ID or password",
                Unauthenticated,
            ),
            (INVALID_ARGUMENT, "etcdserver: user name is empty", Unauthenticated),
            // From 3.5.
            (INVALID_ARGUMENT, "etcdserver: revision of auth store is old", Unauthenticated),
            // 3.4, `auth/store.go`: without a code of its own.
            (UNKNOWN, "auth: revision in header is old", Unauthenticated),
            (INVALID_ARGUMENT, "etcdserver: key is not provided", InvalidArgument),
            (INVALID_ARGUMENT, "etcdserver: duplicate key given in txn request", InvalidArgument),
            (INVALID_ARGUMENT, "etcdserver: request is too large", InvalidArgument),
            (INVALID_ARGUMENT, "etcdserver: too many operations in txn request", TooLarge),
            // The gRPC libraries of the server and of the client.
            (RESOURCE_EXHAUSTED, "grpc: trying to send message larger than max", TooLarge),
            (OUT_OF_RANGE, "Error, decoded message length too large: found 9 bytes", TooLarge),
            (RESOURCE_EXHAUSTED, "etcdserver: too many requests", ResourceExhausted),
            (UNAVAILABLE, "etcdserver: no leader", NoLeader),
            (UNAVAILABLE, "etcdserver: leader changed", NoLeader),
            (UNAVAILABLE, "etcdserver: request timed out", NoLeader),
            (
                UNAVAILABLE,
                "etcdserver: request timed out, possibly due to previous leader failure",
                NoLeader,
            ),
            (
                UNAVAILABLE,
                "etcdserver: request timed out, possibly due to connection lost",
                NoLeader,
            ),
            // From 3.5.
            (
                UNAVAILABLE,
                "etcdserver: request timed out, waiting for the applied index took too long",
                NoLeader,
            ),
            (UNAVAILABLE, "etcdserver: server stopped", Unreachable),
            (UNAVAILABLE, "etcdserver: unhealthy cluster", Unreachable),
            // 3.4 and 3.5, then 3.6 and 3.7.
            (UNAVAILABLE, "etcdserver: rpc not supported for learner", Unreachable),
            (FAILED_PRECONDITION, "etcdserver: rpc not supported for learner", Unreachable),
            (RESOURCE_EXHAUSTED, "etcdserver: mvcc: database space exceeded", Unreachable),
            (OUT_OF_RANGE, "etcdserver: mvcc: required revision has been compacted", Unreachable),
            (NOT_FOUND, "etcdserver: member not found", Unreachable),
            (UNKNOWN, "received fatal alert: UnknownCA", Unauthenticated),
            (UNKNOWN, "received fatal alert: ProtocolVersion", Unreachable),
            (UNKNOWN, "invalid peer certificate: UnknownIssuer", Unreachable),
            // A token is renewed, and authentication is disabled by now: the next connection needs none.
            (FAILED_PRECONDITION, "etcdserver: authentication is not enabled", Unreachable),
            // kine 0.17; then the gRPC library, of a service that the server does not have.
            (UNKNOWN, "unsupported operations in txn request", Unimplemented),
            (UNIMPLEMENTED, "unknown service etcdserverpb.Lease", Unimplemented),
            (UNKNOWN, "h2 protocol error: error reading a body from connection", Unreachable),
        ] {
            assert_eq!(kind_of(code, message), kind, "{code} {message}");
        }
    }

    #[test]
    fn only_a_server_that_is_overloaded_is_given_time() {
        for (message, is_overload) in [
            ("etcdserver: too many requests", true),
            ("grpc: trying to send message larger than max", false),
            ("etcdserver: mvcc: database space exceeded", false),
        ] {
            let failure = Failure::new(kind_of(RESOURCE_EXHAUSTED, message), message);
            assert_eq!(failure.is_overload(), is_overload, "{message}");
        }
    }
}

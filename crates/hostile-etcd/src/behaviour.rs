//! What a server answers.

use std::{fmt, sync::Arc, time::Duration};

use etcd_client::proto::{
    PbAuthenticateResponse, PbMemberListResponse, PbRangeResponse, PbResponseHeader, PbTxnRequest,
    PbTxnResponse, PbWatchResponse,
};
use tonic::{Code, Status};

use crate::messages::{AuthenticateRequest, MemberListRequest, RangeRequest, WatchCreateRequest};

/// The answer to a call.
#[derive(Clone, Debug)]
pub enum Answer<T> {
    /// This response.
    Send(T),
    /// This status.
    Fail(Code, String),
    /// None, as long as the caller waits.
    Never,
}

impl<T> Answer<T> {
    /// A status with its words.
    pub fn fail(code: Code, message: impl Into<String>) -> Self {
        Self::Fail(code, message.into())
    }

    pub(crate) async fn wait(self) -> Result<T, Status> {
        match self {
            Self::Send(response) => Ok(response),
            Self::Fail(code, message) => Err(Status::new(code, message)),
            Self::Never => std::future::pending().await,
        }
    }
}

/// How a watch stream is served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StreamMode {
    /// As etcd does.
    #[default]
    Served,
    /// It ends as soon as it is open.
    EndsAtOnce,
    /// It ends after its first request was answered.
    EndsAfterFirstAnswer,
    /// It stays open, and only so many requests on it are read.
    ReadsOnly(usize),
}

/// What a server answers. [`honest`](Self::honest) answers as an etcd does; each method below changes one
/// thing.
///
/// A hook gets the request and the honest answer. It returns what the server sends instead.
#[derive(Clone, Default)]
#[must_use]
pub struct Behaviour {
    header: Option<Arc<dyn Fn(PbResponseHeader) -> PbResponseHeader + Send + Sync>>,
    range: Option<UnaryHook<RangeRequest, PbRangeResponse>>,
    txn: Option<UnaryHook<PbTxnRequest, PbTxnResponse>>,
    read: Option<Arc<dyn Fn(PbRangeResponse) -> PbRangeResponse + Send + Sync>>,
    authenticate: Option<UnaryHook<AuthenticateRequest, PbAuthenticateResponse>>,
    member_list: Option<UnaryHook<MemberListRequest, PbMemberListResponse>>,
    create: Option<StreamHook<WatchCreateRequest>>,
    cancel: Option<StreamHook<i64>>,
    progress: Option<StreamHook<()>>,
    event: Option<StreamHook<()>>,
    numbers_watches: bool,
    creates_take: Option<TimeHook>,
    stream: StreamMode,
    flood: Option<Flood>,
}

type UnaryHook<Q, R> = Arc<dyn Fn(&Q, R) -> Answer<R> + Send + Sync>;
type TimeHook = Arc<dyn Fn(&WatchCreateRequest) -> Duration + Send + Sync>;
type StreamHook<Q> = Arc<dyn Fn(&Q, PbWatchResponse) -> Vec<PbWatchResponse> + Send + Sync>;

/// Responses that nobody asked for, without end.
#[derive(Clone)]
pub(crate) struct Flood {
    /// The pause before each. Zero: as fast as the client takes them.
    pub(crate) pause: Duration,
    pub(crate) response: Arc<dyn Fn(u64) -> PbWatchResponse + Send + Sync>,
}

impl Behaviour {
    /// Answers as an etcd does.
    pub fn honest() -> Self {
        Self::default()
    }

    /// Changes the header of every answer.
    pub fn header(
        mut self,
        hook: impl Fn(PbResponseHeader) -> PbResponseHeader + Send + Sync + 'static,
    ) -> Self {
        self.header = Some(Arc::new(hook));
        self
    }

    /// Answers `Range`.
    pub fn range(
        mut self,
        hook: impl Fn(&RangeRequest, PbRangeResponse) -> Answer<PbRangeResponse> + Send + Sync + 'static,
    ) -> Self {
        self.range = Some(Arc::new(hook));
        self
    }

    /// Answers `Txn`.
    pub fn txn(
        mut self,
        hook: impl Fn(&PbTxnRequest, PbTxnResponse) -> Answer<PbTxnResponse> + Send + Sync + 'static,
    ) -> Self {
        self.txn = Some(Arc::new(hook));
        self
    }

    /// Changes each range that is read, whether by `Range` or in a `Txn`.
    pub fn read(
        mut self,
        hook: impl Fn(PbRangeResponse) -> PbRangeResponse + Send + Sync + 'static,
    ) -> Self {
        self.read = Some(Arc::new(hook));
        self
    }

    /// Never answers a read, by `Range` or by `Txn`.
    pub fn never_reads(self) -> Self {
        self.range(|_, _| Answer::Never).txn(|_, _| Answer::Never)
    }

    /// Answers `Authenticate`. The honest answer has a token. Without this hook, authentication is not
    /// enabled.
    pub fn authenticate(
        mut self,
        hook: impl Fn(&AuthenticateRequest, PbAuthenticateResponse) -> Answer<PbAuthenticateResponse>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.authenticate = Some(Arc::new(hook));
        self
    }

    /// Answers `MemberList`. The honest answer has the members of the cluster that run.
    pub fn member_list(
        mut self,
        hook: impl Fn(&MemberListRequest, PbMemberListResponse) -> Answer<PbMemberListResponse>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.member_list = Some(Arc::new(hook));
        self
    }

    /// Answers a request to create a watch. The watch exists whatever the answer is.
    pub fn create(
        mut self,
        hook: impl Fn(&WatchCreateRequest, PbWatchResponse) -> Vec<PbWatchResponse>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        self.create = Some(Arc::new(hook));
        self
    }

    /// Ignores the ids that a client chose, and numbers the watches of a stream from 0, in the order in which
    /// they are asked for.
    pub fn numbers_watches(mut self) -> Self {
        self.numbers_watches = true;
        self
    }

    /// Creates a watch only after some time. Others may overtake it. Its id is given at once.
    pub fn creates_take(
        mut self,
        time: impl Fn(&WatchCreateRequest) -> Duration + Send + Sync + 'static,
    ) -> Self {
        self.creates_take = Some(Arc::new(time));
        self
    }

    /// Answers a request to cancel the watch with this id.
    pub fn cancel(
        mut self,
        hook: impl Fn(&i64, PbWatchResponse) -> Vec<PbWatchResponse> + Send + Sync + 'static,
    ) -> Self {
        self.cancel = Some(Arc::new(hook));
        self
    }

    /// Answers a progress request.
    pub fn progress(
        mut self,
        hook: impl Fn(PbWatchResponse) -> Vec<PbWatchResponse> + Send + Sync + 'static,
    ) -> Self {
        self.progress = Some(Arc::new(move |(), honest| hook(honest)));
        self
    }

    /// Changes the responses with events.
    pub fn event(
        mut self,
        hook: impl Fn(PbWatchResponse) -> Vec<PbWatchResponse> + Send + Sync + 'static,
    ) -> Self {
        self.event = Some(Arc::new(move |(), honest| hook(honest)));
        self
    }

    /// Serves streams in this way.
    pub fn stream(mut self, mode: StreamMode) -> Self {
        self.stream = mode;
        self
    }

    /// Sends responses that nobody asked for, each after `pause`, as long as the stream is open. Without a
    /// pause they come as fast as the client takes them.
    pub fn flood(
        mut self,
        pause: Duration,
        response: impl Fn(u64) -> PbWatchResponse + Send + Sync + 'static,
    ) -> Self {
        self.flood = Some(Flood { pause, response: Arc::new(response) });
        self
    }

    pub(crate) fn apply_header(&self, honest: PbResponseHeader) -> PbResponseHeader {
        match &self.header {
            Some(hook) => hook(honest),
            None => honest,
        }
    }

    pub(crate) fn apply_read(&self, honest: PbRangeResponse) -> PbRangeResponse {
        match &self.read {
            Some(hook) => hook(honest),
            None => honest,
        }
    }

    pub(crate) fn answer_range(
        &self,
        request: &RangeRequest,
        honest: PbRangeResponse,
    ) -> Answer<PbRangeResponse> {
        unary(self.range.as_ref(), request, honest)
    }

    pub(crate) fn answer_txn(
        &self,
        request: &PbTxnRequest,
        honest: PbTxnResponse,
    ) -> Answer<PbTxnResponse> {
        unary(self.txn.as_ref(), request, honest)
    }

    pub(crate) fn answer_authenticate(
        &self,
        request: &AuthenticateRequest,
        honest: PbAuthenticateResponse,
    ) -> Answer<PbAuthenticateResponse> {
        if self.authenticate.is_none() {
            // As etcd says it.
            let message = "etcdserver: authentication is not enabled";
            return Answer::fail(Code::FailedPrecondition, message);
        }
        unary(self.authenticate.as_ref(), request, honest)
    }

    pub(crate) fn answer_member_list(
        &self,
        request: &MemberListRequest,
        honest: PbMemberListResponse,
    ) -> Answer<PbMemberListResponse> {
        unary(self.member_list.as_ref(), request, honest)
    }

    pub(crate) fn answer_create(
        &self,
        request: &WatchCreateRequest,
        honest: PbWatchResponse,
    ) -> Vec<PbWatchResponse> {
        streamed(self.create.as_ref(), request, honest)
    }

    pub(crate) fn answer_cancel(
        &self,
        watch_id: i64,
        honest: PbWatchResponse,
    ) -> Vec<PbWatchResponse> {
        streamed(self.cancel.as_ref(), &watch_id, honest)
    }

    pub(crate) fn answer_progress(&self, honest: PbWatchResponse) -> Vec<PbWatchResponse> {
        streamed(self.progress.as_ref(), &(), honest)
    }

    pub(crate) fn answer_event(&self, honest: PbWatchResponse) -> Vec<PbWatchResponse> {
        streamed(self.event.as_ref(), &(), honest)
    }

    pub(crate) fn does_number_watches(&self) -> bool {
        self.numbers_watches
    }

    pub(crate) fn time_of_create(&self, request: &WatchCreateRequest) -> Duration {
        self.creates_take.as_ref().map_or(Duration::ZERO, |time| time(request))
    }

    pub(crate) fn stream_mode(&self) -> StreamMode {
        self.stream
    }

    pub(crate) fn flood_of_responses(&self) -> Option<Flood> {
        self.flood.clone()
    }
}

fn unary<Q, R>(hook: Option<&UnaryHook<Q, R>>, request: &Q, honest: R) -> Answer<R> {
    match hook {
        Some(hook) => hook(request, honest),
        None => Answer::Send(honest),
    }
}

fn streamed<Q>(
    hook: Option<&StreamHook<Q>>,
    request: &Q,
    honest: PbWatchResponse,
) -> Vec<PbWatchResponse> {
    match hook {
        Some(hook) => hook(request, honest),
        None => vec![honest],
    }
}

impl fmt::Debug for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Behaviour").field("stream", &self.stream).finish_non_exhaustive()
    }
}

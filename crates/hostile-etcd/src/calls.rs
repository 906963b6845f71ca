//! The calls, by their path.

use std::sync::Arc;
use std::task::{Context, Poll};

use etcd_client::proto::{
    PbAuthenticateResponse, PbMemberListResponse, PbRangeResponse, PbResponseOp, PbTxnOpRequest,
    PbTxnOpResponse, PbTxnRequest, PbTxnResponse, PbWatchResponse,
};
use futures_util::future::BoxFuture;
use http::{Request as HttpRequest, Response as HttpResponse};
use hyper::body::Incoming;
use tonic::{Request, Response, Status, Streaming, body::Body, server::Grpc};
use tonic_prost::ProstCodec;
use tower_service::Service;

use crate::{
    Behaviour,
    counts::Count,
    member::Shared,
    messages::{AuthenticateRequest, MemberListRequest, RangeRequest, Unread, WatchRequest},
    stream::{Responses, watch},
};

/// Answers one call.
pub(crate) async fn call(
    shared: Arc<Shared>,
    request: HttpRequest<Incoming>,
) -> HttpResponse<Body> {
    match request.uri().path() {
        "/etcdserverpb.KV/Range" => unary(shared, request, range).await,
        "/etcdserverpb.KV/Txn" => unary(shared, request, txn).await,
        "/etcdserverpb.Auth/Authenticate" => unary(shared, request, authenticate).await,
        "/etcdserverpb.Cluster/MemberList" => unary(shared, request, member_list).await,
        "/etcdserverpb.Watch/Watch" => {
            Grpc::new(ProstCodec::<PbWatchResponse, WatchRequest>::new())
                .streaming(Watch(shared), request)
                .await
        }
        _ => unary(shared, request, unserved).await,
    }
}

async fn range(shared: Arc<Shared>, request: RangeRequest) -> Result<PbRangeResponse, Status> {
    shared.counters.add(Count::Ranges);
    let behaviour = shared.behaviour();
    let honest = read(&shared, &behaviour, &request);
    behaviour.answer_range(&request, honest).wait().await
}

async fn txn(shared: Arc<Shared>, request: PbTxnRequest) -> Result<PbTxnResponse, Status> {
    shared.counters.add(Count::Txns);
    let behaviour = shared.behaviour();
    let header = Some(shared.header(&behaviour));
    let responses = request.success.iter().map(|op| {
        let response = match &op.request {
            Some(PbTxnOpRequest::RequestRange(range)) => {
                let range = RangeRequest {
                    key: range.key.clone(),
                    range_end: range.range_end.clone(),
                    limit: range.limit,
                    revision: range.revision,
                    serializable: range.serializable,
                    keys_only: range.keys_only,
                };
                let range = read(&shared, &behaviour, &range);
                Some(PbTxnOpResponse::ResponseRange(range))
            }
            _ => None,
        };
        PbResponseOp { response }
    });
    let honest = PbTxnResponse { header, succeeded: true, responses: responses.collect() };
    behaviour.answer_txn(&request, honest).wait().await
}

fn read(shared: &Shared, behaviour: &Behaviour, request: &RangeRequest) -> PbRangeResponse {
    let mut honest = shared.cluster.range(request);
    honest.header = Some(shared.header(behaviour));
    behaviour.apply_read(honest)
}

async fn authenticate(
    shared: Arc<Shared>,
    request: AuthenticateRequest,
) -> Result<PbAuthenticateResponse, Status> {
    shared.counters.add(Count::Authentications);
    let behaviour = shared.behaviour();
    let honest = PbAuthenticateResponse {
        header: Some(shared.header(&behaviour)),
        token: "token".to_owned(),
    };
    behaviour.answer_authenticate(&request, honest).wait().await
}

async fn member_list(
    shared: Arc<Shared>,
    request: MemberListRequest,
) -> Result<PbMemberListResponse, Status> {
    shared.counters.add(Count::MemberLists);
    let behaviour = shared.behaviour();
    let honest = PbMemberListResponse {
        header: Some(shared.header(&behaviour)),
        members: shared.cluster.members(),
    };
    behaviour.answer_member_list(&request, honest).wait().await
}

async fn unserved(_: Arc<Shared>, _: Unread) -> Result<Unread, Status> {
    Err(Status::unimplemented("this server is for tests of a reader"))
}

async fn unary<Q, R, F>(
    shared: Arc<Shared>,
    request: HttpRequest<Incoming>,
    answer: fn(Arc<Shared>, Q) -> F,
) -> HttpResponse<Body>
where
    Q: prost::Message + Default + 'static,
    R: prost::Message + Default + 'static,
    F: Future<Output = Result<R, Status>> + Send + 'static,
{
    Grpc::new(ProstCodec::<R, Q>::new()).unary(Unary { shared, answer }, request).await
}

/// A unary call, as tonic's server takes it.
struct Unary<Q, F> {
    shared: Arc<Shared>,
    answer: fn(Arc<Shared>, Q) -> F,
}

impl<Q, R, F> Service<Request<Q>> for Unary<Q, F>
where
    F: Future<Output = Result<R, Status>> + Send + 'static,
    R: 'static,
{
    type Response = Response<R>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<R>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Q>) -> Self::Future {
        let answer = (self.answer)(Arc::clone(&self.shared), request.into_inner());
        Box::pin(async move { answer.await.map(Response::new) })
    }
}

/// The watch call, as tonic's server takes it.
struct Watch(Arc<Shared>);

impl Service<Request<Streaming<WatchRequest>>> for Watch {
    type Response = Response<Responses>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Responses>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Streaming<WatchRequest>>) -> Self::Future {
        let responses = watch(Arc::clone(&self.0), request.into_inner());
        Box::pin(async { Ok(Response::new(responses)) })
    }
}

//! A watch stream.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use etcd_client::proto::PbWatchResponse;
use futures_util::{Stream, stream};
use tokio::sync::{broadcast, mpsc};
use tonic::{Status, Streaming};

use crate::{
    Behaviour, StreamMode, background,
    behaviour::Flood,
    counts::Count,
    member::Shared,
    messages::{WatchCreateRequest, WatchRequest, WatchRequestUnion},
};

/// How many responses wait for the client. A client that does not read stops the stream.
const BUFFERED: usize = 16;

/// The responses of a stream.
pub(crate) type Responses =
    Pin<Box<dyn Stream<Item = Result<PbWatchResponse, Status>> + Send + 'static>>;

/// Serves a stream.
pub(crate) fn watch(shared: Arc<Shared>, requests: Streaming<WatchRequest>) -> Responses {
    shared.counters.add(Count::Streams);
    let behaviour = shared.behaviour();
    let (sender, receiver) = mpsc::channel(BUFFERED);
    if let Some(flood) = behaviour.flood_of_responses() {
        background::spawn(send_flood(flood, sender.clone()));
    }
    let mode = behaviour.stream_mode();
    if mode != StreamMode::EndsAtOnce {
        let watches = Watches { shared, open: BTreeMap::new(), next_id: 0, sender };
        background::spawn(async move {
            // It ends when the client or the test wishes so.
            let _ = watches.serve(requests, mode).await;
        });
    }
    Box::pin(stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|response| (Ok(response), receiver))
    }))
}

async fn send_flood(flood: Flood, sender: mpsc::Sender<PbWatchResponse>) {
    for number in 0.. {
        if !flood.pause.is_zero() {
            tokio::time::sleep(flood.pause).await;
        }
        if sender.send((flood.response)(number)).await.is_err() {
            return;
        }
    }
}

struct Watches {
    shared: Arc<Shared>,
    open: BTreeMap<i64, Watched>,
    next_id: i64,
    sender: mpsc::Sender<PbWatchResponse>,
}

struct Watched {
    key: Vec<u8>,
    range_end: Vec<u8>,
    /// The first revision that was not sent.
    next: i64,
}

/// The client or the behaviour ended the stream.
struct Ended;

impl Watches {
    async fn serve(
        mut self,
        mut requests: Streaming<WatchRequest>,
        mode: StreamMode,
    ) -> Result<(), Ended> {
        let mut revisions = self.shared.cluster.revisions();
        let mut pushed = self.shared.pushed.subscribe();
        let mut unread = match mode {
            StreamMode::ReadsOnly(requests) => requests,
            _ => usize::MAX,
        };
        let sender = self.sender.clone();
        loop {
            tokio::select! {
                () = sender.closed() => return Err(Ended),
                request = requests.message(), if unread > 0 => {
                    unread -= 1;
                    let Ok(Some(request)) = request else { return Err(Ended) };
                    self.answer(request).await?;
                    if mode == StreamMode::EndsAfterFirstAnswer {
                        return Err(Ended);
                    }
                }
                changed = revisions.changed() => {
                    if changed.is_err() {
                        return Err(Ended);
                    }
                    self.send_events().await?;
                }
                response = pushed.recv() => match response {
                    Ok(response) => self.send(response).await?,
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return Err(Ended),
                }
            }
        }
    }

    async fn answer(&mut self, request: WatchRequest) -> Result<(), Ended> {
        let behaviour = self.shared.behaviour();
        let responses = match request.request {
            Some(WatchRequestUnion::Create(request)) => {
                self.shared.counters.add(Count::Creates);
                let honest = self.create(&behaviour, &request);
                let responses = behaviour.answer_create(&request, honest);
                for response in responses {
                    self.send(response).await?;
                }
                return self.send_events().await;
            }
            Some(WatchRequestUnion::Cancel(request)) => {
                self.shared.counters.add(Count::Cancels);
                let id = request.watch_id;
                // etcd does not answer a request to cancel what it does not watch.
                if self.open.remove(&id).is_none() {
                    return Ok(());
                }
                let honest = PbWatchResponse { canceled: true, ..self.response(&behaviour, id) };
                behaviour.answer_cancel(id, honest)
            }
            Some(WatchRequestUnion::Progress(_)) => {
                self.shared.counters.add(Count::ProgressRequests);
                behaviour.answer_progress(self.response(&behaviour, -1))
            }
            None => return Ok(()),
        };
        for response in responses {
            self.send(response).await?;
        }
        Ok(())
    }

    fn create(&mut self, behaviour: &Behaviour, request: &WatchCreateRequest) -> PbWatchResponse {
        let taken = request.watch_id != 0 && self.open.contains_key(&request.watch_id);
        if taken {
            return PbWatchResponse {
                created: true,
                canceled: true,
                cancel_reason: "etcdserver: mvcc: duplicate watch ID provided".to_owned(),
                ..self.response(behaviour, -1)
            };
        }
        let id = if request.watch_id == 0 { self.free_id() } else { request.watch_id };
        let next = match request.start_revision {
            0 => self.shared.cluster.revision() + 1,
            from => from,
        };
        let watched =
            Watched { key: request.key.clone(), range_end: request.range_end.clone(), next };
        self.open.insert(id, watched);
        PbWatchResponse { created: true, ..self.response(behaviour, id) }
    }

    /// As etcd does: it counts, and never gives an id twice.
    fn free_id(&mut self) -> i64 {
        while self.open.contains_key(&self.next_id) {
            self.next_id += 1;
        }
        self.next_id += 1;
        self.next_id - 1
    }

    /// Sends what was not yet sent, one response for each watch.
    async fn send_events(&mut self) -> Result<(), Ended> {
        let behaviour = self.shared.behaviour();
        let mut responses = Vec::new();
        for (id, watched) in &mut self.open {
            let found = self.shared.cluster.events(&watched.key, &watched.range_end, watched.next);
            let last = found.events.iter().filter_map(|event| event.kv.as_ref());
            let Some(last) = last.map(|kv| kv.mod_revision).max() else { continue };
            watched.next = last + 1;
            let header = Some(self.shared.header(&behaviour));
            responses.push(PbWatchResponse { header, watch_id: *id, ..found });
        }
        for honest in responses {
            for response in behaviour.answer_event(honest) {
                self.send(response).await?;
            }
        }
        Ok(())
    }

    fn response(&self, behaviour: &Behaviour, watch_id: i64) -> PbWatchResponse {
        let header = Some(self.shared.header(behaviour));
        PbWatchResponse { header, watch_id, ..PbWatchResponse::default() }
    }

    async fn send(&self, response: PbWatchResponse) -> Result<(), Ended> {
        self.sender.send(response).await.map_err(|_| Ended)
    }
}

//! A watch stream.

use std::{collections::BTreeMap, pin::Pin, sync::Arc};

use etcd_client::proto::PbWatchResponse;
use futures_util::{Stream, stream};
use tokio::{
    sync::{broadcast, mpsc},
    time::sleep,
};
use tonic::{Status, Streaming};

use crate::{
    Behaviour, StreamMode, background,
    behaviour::Flood,
    counts::Count,
    member::Shared,
    messages::{WatchCreateRequest, WatchRequest, WatchRequestUnion},
};

/// How many responses wait for the client. A client that does not read stops the stream.
const BUFFERED: usize = 256;

/// As etcd says it.
const DUPLICATE: &str = "etcdserver: mvcc: duplicate watch ID provided";

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
        let (delayed, created) = mpsc::unbounded_channel();
        let watches =
            Watches { shared, open: BTreeMap::new(), requested: 0, next_id: 0, delayed, sender };
        background::spawn(async move {
            // It ends when the client or the test wishes so.
            let _ = watches.serve(requests, created, mode).await;
        });
    }
    Box::pin(stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|response| (Ok(response), receiver))
    }))
}

async fn send_flood(flood: Flood, sender: mpsc::Sender<PbWatchResponse>) {
    for number in 0.. {
        if !flood.pause.is_zero() {
            sleep(flood.pause).await;
        }
        if sender.send((flood.response)(number)).await.is_err() {
            return;
        }
    }
}

struct Watches {
    shared: Arc<Shared>,
    open: BTreeMap<i64, Watched>,
    /// How many watches were asked for.
    requested: i64,
    /// The id that the next watch without a chosen one gets.
    next_id: i64,
    /// Creates that take time.
    delayed: mpsc::UnboundedSender<(WatchCreateRequest, Created)>,
    sender: mpsc::Sender<PbWatchResponse>,
}

/// What a request to create a watch came to.
struct Created {
    id: i64,
    /// `None`: refused.
    watched: Option<Watched>,
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
        mut created: mpsc::UnboundedReceiver<(WatchCreateRequest, Created)>,
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
                Some((request, created)) = created.recv() => {
                    self.answer_create(&request, created).await?;
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
                let created = self.create(&behaviour, &request);
                let time = behaviour.time_of_create(&request);
                if time.is_zero() {
                    return self.answer_create(&request, created).await;
                }
                let delayed = self.delayed.clone();
                background::spawn(async move {
                    sleep(time).await;
                    // This fails only if the stream has ended.
                    let _ = delayed.send((request, created));
                });
                return Ok(());
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

    fn create(&mut self, behaviour: &Behaviour, request: &WatchCreateRequest) -> Created {
        let number = self.requested;
        self.requested += 1;
        let chosen = request.watch_id;
        if chosen != 0 && !behaviour.does_number_watches() && self.open.contains_key(&chosen) {
            return Created { id: -1, watched: None };
        }
        let id = match chosen {
            _ if behaviour.does_number_watches() => number,
            0 => self.free_id(),
            chosen => chosen,
        };
        let next = match request.start_revision {
            0 => self.shared.cluster.revision() + 1,
            from => from,
        };
        let (key, range_end) = (request.key.clone(), request.range_end.clone());
        Created { id, watched: Some(Watched { key, range_end, next }) }
    }

    async fn answer_create(
        &mut self,
        request: &WatchCreateRequest,
        created: Created,
    ) -> Result<(), Ended> {
        let behaviour = self.shared.behaviour();
        let mut honest = PbWatchResponse { created: true, ..self.response(&behaviour, created.id) };
        if let Some(watched) = created.watched {
            self.open.insert(created.id, watched);
        } else {
            honest.canceled = true;
            honest.cancel_reason = DUPLICATE.into();
        }
        for response in behaviour.answer_create(request, honest) {
            self.send(response).await?;
        }
        self.send_events().await
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

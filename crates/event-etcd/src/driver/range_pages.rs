//! Reads ranges page by page: from a stream if the server has such streams, else with a request for each page.
//!
//! Why a stream? For each page that it is asked for, the server counts all keys that follow (E15).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::seam::{Connection, Failure, Page, PageRequest, PageResponse, Pages};
use crate::session::ReadId;

/// The streams of a connection between a page that was read and the next one, which is asked for at once.
#[derive(Default)]
pub(super) struct RangePages {
    streams: BTreeMap<ReadId, Box<dyn Pages>>,
    /// The server has no such streams.
    has_none: bool,
}

impl RangePages {
    /// What reads the next page of a read.
    pub(super) fn next(&mut self, id: ReadId) -> PageReader {
        PageReader { id, stream: self.streams.remove(&id), has_none: self.has_none }
    }

    /// A page was read. Keeps its stream if the read `goes_on`.
    pub(super) fn was_read(&mut self, reader: PageReader, goes_on: bool) {
        self.has_none |= reader.has_none;
        if let Some(stream) = reader.stream.filter(|_| goes_on) {
            self.streams.insert(reader.id, stream);
        }
    }
}

/// Reads one page, perhaps from a stream, which then has the pages after it.
pub(super) struct PageReader {
    pub(super) id: ReadId,
    stream: Option<Box<dyn Pages>>,
    has_none: bool,
}

impl PageReader {
    pub(super) async fn read(
        &mut self,
        connection: Arc<dyn Connection>,
        page: PageRequest,
    ) -> Result<PageResponse, Failure> {
        // Not the stream of a read that begins again, or asks for less.
        let earlier = self.stream.take().filter(|_| page.may_stream);
        let mut stream = match earlier {
            None if page.may_stream && !self.has_none => {
                let stream = connection.stream_pages(page.clone()).await?;
                self.has_none = stream.is_none();
                stream
            }
            earlier => earlier,
        };
        let response = match &mut stream {
            Some(stream) => stream.next().await?,
            None => connection.read_page(page).await?,
        };
        let has_more = matches!(&response, PageResponse::Page(Page { has_more: true, .. }));
        self.stream = stream.filter(|_| has_more);
        Ok(response)
    }
}

//! Changing the endpoints of a store.

use event_core::Error;

use super::{EtcdStore, invalid};
use crate::endpoint::EndpointNames;
use crate::mailbox::EndpointChange;

impl EtcdStore {
    /// Adds an endpoint to those that the store tries, in any form that [`connect`](Self::connect) takes.
    /// Adding one that the store has, in any spelling, changes nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument):
    ///
    /// - the endpoint can't be parsed;
    /// - it does not fit the store: it is `http://` and the store uses TLS, or `https://` and the store does not;
    /// - the store was made by [`from_client`](Self::from_client), and the client has its own endpoints.
    pub fn add_endpoint(&self, endpoint: impl Into<String>) -> Result<(), Error> {
        let mailbox = &self.driver.mailbox;
        self.known()?
            .add(&endpoint.into(), |name| mailbox.change_endpoint(name, EndpointChange::Added))
    }

    /// Removes an endpoint, in any spelling. If it is the one in use, the store connects to the next one.
    /// Removing an endpoint that the store does not have changes nothing.
    ///
    /// # Errors
    ///
    /// [`InvalidArgument`](event_core::ErrorKind::InvalidArgument): the endpoint can't be parsed, or the store
    /// was made by [`from_client`](Self::from_client), and the client has its own endpoints.
    pub fn remove_endpoint(&self, endpoint: impl Into<String>) -> Result<(), Error> {
        let mailbox = &self.driver.mailbox;
        self.known()?
            .remove(&endpoint.into(), |name| mailbox.change_endpoint(name, EndpointChange::Removed))
    }

    fn known(&self) -> Result<&EndpointNames, Error> {
        let message =
            "the store is over a client, which has endpoints of its own: change them there";
        self.endpoints.as_deref().ok_or_else(|| invalid(message))
    }
}

//! What there is of each feed, counted again only where a pull has changed it.

use std::collections::BTreeMap;

use crate::series::PullId;
use crate::store::{Holding, Store, StoreError};

/// What there is of feeds, each as one of its pulls left it.
#[derive(Default)]
pub struct Holdings(BTreeMap<String, (PullId, Holding)>);

impl Holdings {
    /// What there is of a feed now.
    pub async fn of(&mut self, store: &Store, feed: &str) -> Result<Holding, StoreError> {
        let newest = store.newest_pull(feed).await?;
        if let Some((_, holding)) = self.0.get(feed).filter(|(pull, _)| *pull == newest) {
            return Ok(*holding);
        }
        let holding = store.holding(feed).await?;
        self.0.insert(feed.to_owned(), (newest, holding));
        Ok(holding)
    }
}

//! A stage: what stands for every service in a test, and for chance.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Parcel, Sender, Sent};

/// Stands for every service.
pub trait Stage: Send + Sync {
    /// What becomes of one attempt.
    fn take(&self, parcel: Parcel<'_>) -> BoxFuture<'static, Sent>;

    /// What is drawn from 0..1 for the wait after it.
    fn jitter(&self) -> f64;
}

impl Sender {
    /// A sender that reaches nothing but a stage.
    pub fn on(stage: Arc<dyn Stage>) -> Self {
        Self { stage: Some(stage), ..Self::new(None).unwrap() }
    }
}

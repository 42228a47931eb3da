//! A generic webhook by Standard Webhooks 1.0.0.

use super::http::Endpoint;
use crate::base::secret::Secret;

/// A webhook.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// Where it goes.
    pub endpoint: Endpoint,
    /// `whsec_…`; without it posts are not signed.
    pub secret: Option<Secret>,
}

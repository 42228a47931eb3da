//! Slack incoming webhooks (Block Kit).

use super::http::Endpoint;

/// A Slack channel.
#[derive(Clone, Debug)]
pub struct Slack {
    /// The incoming webhook.
    pub endpoint: Endpoint,
}

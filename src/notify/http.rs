//! The one sender of HTTP posts: no redirects, addresses checked, the answer bounded and read for its verdict.

use crate::base::secret::Secret;

/// Where a post goes.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// The address; for chat tools it is itself the secret.
    pub url: Secret,
    /// Plain http is allowed.
    pub insecure: bool,
    /// Loopback and private addresses are allowed.
    pub allow_private: bool,
}

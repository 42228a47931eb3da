//! How far long work has come, on a terminal.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::base::clock::monotonic;

/// A bar on standard error that appears once the work has taken a second.
pub struct Bar {
    bar: ProgressBar,
    began: std::time::Duration,
}

impl Bar {
    /// A bar of so many steps.
    pub fn new(steps: usize) -> Self {
        let length = u64::try_from(steps).ok();
        Self { bar: ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden()), began: monotonic() }
    }

    /// A bar of so many bytes.
    pub fn of_bytes(bytes: u64) -> Self {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::hidden());
        let style = ProgressStyle::with_template("{wide_bar} {bytes}/{total_bytes} {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        Self { bar, began: monotonic() }
    }

    /// One step more.
    pub fn step(&self) {
        self.appear();
        self.bar.inc(1);
    }

    /// So far it has come.
    pub fn reach(&self, position: u64) {
        self.appear();
        self.bar.set_position(position);
    }

    /// So far it has come, of so much as is known by now.
    pub fn reach_of(&self, position: u64, length: u64) {
        self.bar.set_length(length);
        self.reach(position);
    }

    /// Takes it away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn appear(&self) {
        if self.bar.is_hidden() && monotonic().saturating_sub(self.began).as_secs() >= 1 {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
    }
}

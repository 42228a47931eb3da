//! The text of a scrape: what was counted and what was read just now, for the names that the config has.

use prometheus::proto::Metric;
use prometheus::{GaugeVec, Opts, Registry, TextEncoder};

use super::{CHANGES, CONSTANT, Metrics, PINGS, PULL_RESULTS, VERDICTS, kept};
use crate::alert::{Cause, Kind};
use crate::outbox::Outcome;

/// What the text is, for `Content-Type`.
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// The names that a config has now: each has its lines from the start, and no other name has any.
pub struct Names<'a> {
    /// Of its feeds.
    pub feeds: Vec<&'a str>,
    /// Of its rules.
    pub rules: Vec<&'a str>,
    /// Of its receivers.
    pub receivers: Vec<&'a str>,
}

impl Names<'_> {
    fn has(&self, metric: &Metric) -> bool {
        metric.get_label().iter().all(|label| match label.name() {
            "feed" => self.feeds.contains(&label.value()),
            "rule" => self.rules.contains(&label.value()),
            "receiver" => self.receivers.contains(&label.value()),
            _ => true,
        })
    }
}

/// Gauges that are read when somebody asks.
#[derive(Default)]
pub struct Reading(Registry);

impl Reading {
    /// Adds a gauge: its name, its one sentence of help, its labels, and a value for each combination of theirs.
    pub fn gauge<'v, const N: usize>(
        &self,
        name: &str,
        help: &str,
        labels: [&str; N],
        values: impl IntoIterator<Item = ([&'v str; N], f64)>,
    ) {
        let gauge = kept(&self.0, GaugeVec::new(Opts::new(name, help), &labels).expect(CONSTANT));
        values.into_iter().for_each(|(labels, value)| gauge.with_label_values(&labels).set(value));
    }
}

impl Metrics {
    /// All of it as text, in the order of the names.
    pub fn text(&self, names: &Names<'_>, reading: Reading) -> String {
        self.begin(names);
        let mut families = self.0.registry.gather();
        for family in &mut families {
            let known = family.take_metric().into_iter().filter(|metric| names.has(metric)).collect();
            family.set_metric(known);
        }
        families.extend(reading.0.gather());
        // A family of which there is nothing is left out.
        families.retain(|family| !family.get_metric().is_empty());
        families.sort_by(|a, b| a.name().cmp(b.name()));
        TextEncoder::new().encode_to_string(&families).expect("what is gathered has a name and values")
    }

    /// Makes everything known that may come to be counted: a rate needs the zero before the first one.
    fn begin(&self, Names { feeds, rules, receivers }: &Names<'_>) {
        let counters = &self.0;
        for feed in feeds {
            PULL_RESULTS.iter().for_each(|result| drop(counters.pulls.with_label_values(&[feed, result])));
            CHANGES.iter().for_each(|change| drop(counters.observations.with_label_values(&[feed, change])));
            drop(counters.pull_seconds.with_label_values(&[feed]));
        }
        for rule in rules {
            VERDICTS.iter().for_each(|verdict| drop(counters.evaluations.with_label_values(&[rule, verdict])));
        }
        for receiver in receivers {
            Outcome::NAMES.iter().for_each(|name| drop(counters.attempts.with_label_values(&[receiver, name])));
            drop(counters.attempt_seconds.with_label_values(&[receiver]));
            drop(counters.given_up.with_label_values(&[receiver]));
        }
        for (kind, cause) in Kind::ALL.iter().flat_map(|kind| Cause::ALL.map(|cause| (kind, cause))) {
            drop(counters.transitions.with_label_values(&[kind.name(), cause.name()]));
        }
        PINGS.iter().for_each(|result| drop(counters.pings.with_label_values(&[result])));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::base::clock::Timestamp;

    const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_250);

    fn names<'a>(feeds: &[&'a str]) -> Names<'a> {
        Names { feeds: feeds.to_vec(), rules: vec!["falling"], receivers: vec!["desk"] }
    }

    /// The lines that begin like this.
    fn lines<'t>(text: &'t str, beginning: &str) -> Vec<&'t str> {
        text.lines().filter(|line| line.starts_with(beginning)).collect()
    }

    #[test]
    fn every_name_of_the_config_is_there_from_the_start() {
        let text = Metrics::new(NOW).text(&names(&["magnets"]), Reading::default());
        let mut counters = lines(&text, "supplywatch_");
        counters.retain(|line| !line.contains("transitions") && !line.contains("_bucket{"));
        insta::assert_snapshot!(counters.join("\n"), @r#"
        supplywatch_build_info{version="0.1.0"} 1
        supplywatch_config_last_reload_success_timestamp_seconds 1760000000.25
        supplywatch_config_last_reload_successful 1
        supplywatch_dead_man_pings_total{result="failed"} 0
        supplywatch_dead_man_pings_total{result="ok"} 0
        supplywatch_deliveries_given_up_total{receiver="desk"} 0
        supplywatch_delivery_attempt_duration_seconds_sum{receiver="desk"} 0
        supplywatch_delivery_attempt_duration_seconds_count{receiver="desk"} 0
        supplywatch_delivery_attempts_total{receiver="desk",result="delivered"} 0
        supplywatch_delivery_attempts_total{receiver="desk",result="disable"} 0
        supplywatch_delivery_attempts_total{receiver="desk",result="pause"} 0
        supplywatch_delivery_attempts_total{receiver="desk",result="reject"} 0
        supplywatch_delivery_attempts_total{receiver="desk",result="retry"} 0
        supplywatch_feed_observations_total{change="new",feed="magnets"} 0
        supplywatch_feed_observations_total{change="rejected",feed="magnets"} 0
        supplywatch_feed_observations_total{change="revised",feed="magnets"} 0
        supplywatch_feed_observations_total{change="unchanged",feed="magnets"} 0
        supplywatch_feed_pull_duration_seconds_sum{feed="magnets"} 0
        supplywatch_feed_pull_duration_seconds_count{feed="magnets"} 0
        supplywatch_feed_pulls_total{feed="magnets",result="changed"} 0
        supplywatch_feed_pulls_total{feed="magnets",result="failed"} 0
        supplywatch_feed_pulls_total{feed="magnets",result="not_modified"} 0
        supplywatch_feed_pulls_total{feed="magnets",result="same"} 0
        supplywatch_feed_pulls_total{feed="magnets",result="set_aside"} 0
        supplywatch_replica_clock_ahead_seconds 0
        supplywatch_replica_membership 1
        supplywatch_rule_evaluations_total{outcome="fails",rule="falling"} 0
        supplywatch_rule_evaluations_total{outcome="holds",rule="falling"} 0
        supplywatch_rule_evaluations_total{outcome="unknown",rule="falling"} 0
        "#);
        assert_eq!(lines(&text, "supplywatch_alert_transitions_total{").len(), 49);
        assert!(text.contains("\n# TYPE process_start_time_seconds gauge\n"), "{text}");
    }

    #[test]
    fn what_is_counted_is_shown_for_the_names_that_there_are() {
        let metrics = Metrics::new(NOW);
        metrics.pulled("magnets", "changed", Duration::from_millis(700));
        metrics.observed("magnets", "new", 5);
        metrics.judged("falling", "fails", 3);
        metrics.changed(Kind::Fired, Cause::Published);
        metrics.attempted("desk", &Outcome::Reject { why: String::new() }, Duration::from_secs(2));
        metrics.gave_up("desk", 2);
        metrics.pinged(false);
        metrics.reloaded(&Err("reload failed".to_owned()), NOW.plus(Duration::from_secs(5)));
        metrics.tick("poll").beat(NOW);
        let text = metrics.text(&names(&["magnets"]), Reading::default());
        for line in [
            "supplywatch_feed_pulls_total{feed=\"magnets\",result=\"changed\"} 1",
            "supplywatch_feed_pull_duration_seconds_bucket{feed=\"magnets\",le=\"0.5\"} 0",
            "supplywatch_feed_pull_duration_seconds_bucket{feed=\"magnets\",le=\"1\"} 1",
            "supplywatch_feed_observations_total{change=\"new\",feed=\"magnets\"} 5",
            "supplywatch_rule_evaluations_total{outcome=\"fails\",rule=\"falling\"} 3",
            "supplywatch_alert_transitions_total{cause=\"published\",kind=\"fired\"} 1",
            "supplywatch_delivery_attempts_total{receiver=\"desk\",result=\"reject\"} 1",
            "supplywatch_delivery_attempt_duration_seconds_sum{receiver=\"desk\"} 2",
            "supplywatch_deliveries_given_up_total{receiver=\"desk\"} 2",
            "supplywatch_dead_man_pings_total{result=\"failed\"} 1",
            "supplywatch_config_last_reload_successful 0",
            "supplywatch_config_last_reload_success_timestamp_seconds 1760000000.25",
            "supplywatch_loop_last_tick_timestamp_seconds{loop=\"poll\"} 1760000000.25",
        ] {
            assert!(text.lines().any(|known| known == line), "no {line} in\n{text}");
        }
        // Another config: what is gone is not shown, and comes back as it was.
        let other = metrics.text(&names(&["prices"]), Reading::default());
        assert_eq!(lines(&other, "supplywatch_feed_pulls_total{").len(), PULL_RESULTS.len());
        assert!(!other.contains("magnets"), "{other}");
        metrics.pulled("magnets", "changed", Duration::ZERO);
        let again = metrics.text(&names(&["magnets"]), Reading::default());
        assert!(again.contains("supplywatch_feed_pulls_total{feed=\"magnets\",result=\"changed\"} 2\n"), "{again}");
    }

    #[test]
    fn a_name_is_only_text() {
        let reading = Reading::default();
        let hostile = "a\"} 1\nsupplywatch_build_info{version=\"\\";
        reading.gauge("supplywatch_feed_failing", "Help.", ["feed"], [([hostile], 1.0)]);
        reading.gauge("supplywatch_nothing", "Help.", ["feed"], std::iter::empty());
        let text = Metrics::new(NOW).text(&names(&[hostile]), reading);
        assert_eq!(
            lines(&text, "supplywatch_feed_failing"),
            ["supplywatch_feed_failing{feed=\"a\\\"} 1\\nsupplywatch_build_info{version=\\\"\\\\\"} 1"]
        );
        assert_eq!(lines(&text, "supplywatch_build_info").len(), 1);
        assert!(!text.contains("supplywatch_nothing"), "{text}");
    }

    #[test]
    fn a_tick_knows_its_age() {
        let tick = Metrics::new(NOW).tick("poll");
        assert_eq!(tick.age(NOW), None);
        tick.beat(NOW);
        assert_eq!(tick.clone().age(NOW.plus(Duration::from_millis(1001))), Some(Duration::from_millis(1001)));
    }

    #[test]
    fn the_words_are_those_of_the_program() {
        let verdicts = crate::rule::Verdict::Unknown(Vec::new());
        assert_eq!(verdicts.name(), VERDICTS[2]);
        assert_eq!([crate::rule::Verdict::Holds.name(), crate::rule::Verdict::Fails.name()], VERDICTS[..2]);
    }
}

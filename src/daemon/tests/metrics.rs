//! What Prometheus is told of what the loops did.

use std::sync::Arc;
use std::time::Duration;

use crate::alert::{Matcher, Silence};
use crate::base::clock::{Clock, Timestamp};
use crate::config::{Environment, Setup};
use crate::daemon::{Context, Evaluation, Watch, deliver_all, evaluate_all, evaluate_pending, pull_all};
use crate::inspect::{Gauges, Inspection};
use crate::notify::double::{HttpDouble, Reply};
use crate::store::{Location, Store};

const CONFIG: &str = r#"
[feed.magnets]
kind = "csv"
path = "magnets.csv"
schedule = "0 9 * * *"
frequency = "month"
unit = "t"
columns = { period = "period", value = "tonnes", labels = ["partner"] }
release = { day = 20, after = "1mo", grace = "3d" }

[feed.prices]
kind = "csv"
path = "missing.csv"
schedule = "0 9 * * *"
frequency = "month"
unit = "USD/kg"
expect_within = "1h"

[rule.falling]
series = { feed = "magnets" }
when = "declines >= 2"
severity = "critical"
notify = ["desk", "gone"]
"#;

/// A receiver that answers as a double does.
fn receiver(name: &str, url: &str) -> String {
    let kind = "kind = 'webhook'\ninsecure = true\nallow_private = true";
    format!("[receiver.{name}]\n{kind}\nurl = '{url}'\n")
}

/// What is running, and what is asked of it.
struct World {
    directory: tempfile::TempDir,
    clock: Clock,
    context: Context,
    gauges: Gauges,
    setup: Arc<Setup>,
}

impl World {
    async fn new(config: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(Timestamp::parse("2025-12-20T09:00:00Z").unwrap());
        let location = Location::Sqlite(directory.path().join("none.db"));
        let store = Store::open_copy(&location, clock.now()).await.unwrap();
        let setup = load(directory.path(), config);
        let context = Context::new(store, clock.clone(), &setup).unwrap();
        let gauges = Gauges::new(context.metrics.clone());
        Self { directory, clock, context, gauges, setup }
    }

    /// One round as the loops make it, with these figures.
    async fn round(&self, figures: &str) {
        std::fs::write(self.directory.path().join("magnets.csv"), format!("period,partner,tonnes\n{figures}")).unwrap();
        let evaluation = Evaluation::new(&self.context, &self.setup).await.unwrap();
        evaluate_all(&evaluation).await.unwrap();
        pull_all(&self.context, &self.setup, |_| true).await.unwrap();
        evaluate_pending(&evaluation).await.unwrap();
        Watch::default().look(&self.context, &self.setup).await.unwrap();
        deliver_all(&self.context, &self.setup).await.unwrap();
    }

    async fn text(&self) -> String {
        let (setup, store, now) = (&*self.setup, &self.context.store, self.clock.now());
        self.gauges.text(Inspection { setup, store, now }).await.unwrap()
    }
}

fn load(directory: &std::path::Path, config: &str) -> Arc<Setup> {
    let path = directory.join("supplywatch.toml");
    std::fs::write(&path, config).unwrap();
    let loaded = crate::config::load(&path, &Environment::of(&[]));
    Arc::new(loaded.map_err(|problems| problems.render(false)).unwrap().setup)
}

/// The lines of the program's own metrics that are not zero, without what depends on the machine.
fn told(text: &str) -> String {
    let is_ours = |line: &&str| line.starts_with("supplywatch_") && !line.ends_with(" 0");
    let varies = |line: &&str| ["_bucket{", "_sum{", "store_", "build_info"].iter().any(|part| line.contains(part));
    text.lines().filter(is_ours).filter(|line| !varies(line)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn a_scrape_says_what_the_loops_did() {
    let (desk, gone) = (HttpDouble::start(Reply::status(200)).await, HttpDouble::start(Reply::status(410)).await);
    let config = format!("{CONFIG}{}{}", receiver("desk", &desk.url("/")), receiver("gone", &gone.url("/")));
    let mut world = World::new(&config).await;
    world.round("2025-08,US,619\n2025-09,US,590\n2025-10,US,420.5\n2025-10,DE,30\n2025-11,XX,many\n").await;
    world.clock.set(world.clock.now().plus(Duration::from_secs(5 * 86_400)));
    world.round("2025-08,US,619\n2025-09,US,600\n2025-10,US,420.5\n2025-10,DE,30\n").await;
    insta::assert_snapshot!(told(&world.text().await), @r#"
    supplywatch_alert_transitions_total{cause="published",kind="fired"} 1
    supplywatch_alert_transitions_total{cause="time_passed",kind="fired"} 3
    supplywatch_alerts{kind="data",rule="feed:failing",severity="warning",state="active"} 1
    supplywatch_alerts{kind="data",rule="feed:overdue",severity="warning",state="active"} 1
    supplywatch_alerts{kind="data",rule="receiver:failing",severity="warning",state="active"} 1
    supplywatch_alerts{kind="market",rule="falling",severity="critical",state="active"} 1
    supplywatch_alerts{kind="market",rule="falling",severity="critical",state="held"} 1
    supplywatch_config_last_reload_success_timestamp_seconds 1766221200
    supplywatch_config_last_reload_successful 1
    supplywatch_deliveries_dead{receiver="gone"} 1
    supplywatch_deliveries_given_up_total{receiver="gone"} 1
    supplywatch_delivery_attempt_duration_seconds_count{receiver="desk"} 1
    supplywatch_delivery_attempt_duration_seconds_count{receiver="gone"} 2
    supplywatch_delivery_attempts_total{receiver="desk",result="delivered"} 1
    supplywatch_delivery_attempts_total{receiver="gone",result="disable"} 2
    supplywatch_feed_consecutive_failures{feed="prices"} 2
    supplywatch_feed_failing{feed="prices"} 1
    supplywatch_feed_last_success_timestamp_seconds{feed="magnets"} 1766653200
    supplywatch_feed_latest_period_end_timestamp_seconds{feed="magnets"} 1761955200
    supplywatch_feed_next_pull_timestamp_seconds{feed="magnets"} 1766739615.39
    supplywatch_feed_next_pull_timestamp_seconds{feed="prices"} 1766653320
    supplywatch_feed_next_release_timestamp_seconds{feed="magnets"} 1766188800
    supplywatch_feed_observations_total{change="new",feed="magnets"} 4
    supplywatch_feed_observations_total{change="rejected",feed="magnets"} 1
    supplywatch_feed_observations_total{change="revised",feed="magnets"} 1
    supplywatch_feed_observations_total{change="unchanged",feed="magnets"} 3
    supplywatch_feed_overdue{feed="magnets"} 1
    supplywatch_feed_pull_duration_seconds_count{feed="magnets"} 2
    supplywatch_feed_pull_duration_seconds_count{feed="prices"} 2
    supplywatch_feed_pulls_total{feed="magnets",result="changed"} 2
    supplywatch_feed_pulls_total{feed="prices",result="failed"} 2
    supplywatch_feed_series{feed="magnets"} 2
    supplywatch_receiver_disabled{receiver="gone"} 1
    supplywatch_receiver_last_success_timestamp_seconds{receiver="desk"} 1766221200
    supplywatch_replica_membership 1
    supplywatch_replicas 1
    supplywatch_rule_evaluations_total{outcome="holds",rule="falling"} 2
    supplywatch_rule_evaluations_total{outcome="unknown",rule="falling"} 1
    supplywatch_rule_series_matched{rule="falling"} 2
    "#);

    // The receiver that is gone is taken out of the config, and a silence begins: the text follows.
    let matcher = Matcher::parse([("rule".to_owned(), "falling".to_owned())]).unwrap();
    let (since, until) = (world.clock.now(), world.clock.now().plus(Duration::from_secs(60)));
    let (comment, author) = ("known".to_owned(), "me".to_owned());
    let silence = Silence { id: 0, matcher, since, until, comment, author };
    world.context.store.add_silence(silence).await.unwrap();
    world.setup = load(
        world.directory.path(),
        &config.replace("[receiver.gone]", "[receiver.other]").replace("\"gone\"", "\"other\""),
    );
    let text = world.text().await;
    assert!(!text.contains("receiver=\"gone\""), "{text}");
    assert!(text.contains("supplywatch_deliveries_pending{receiver=\"other\"} 0\n"), "{text}");
    let alerts = "supplywatch_alerts{kind=\"market\",rule=\"falling\",severity=\"critical\"";
    assert!(text.contains(&format!("{alerts},state=\"suppressed\"}} 1\n")), "{text}");
    assert!(text.contains(&format!("{alerts},state=\"active\"}} 0\n")), "{text}");
}

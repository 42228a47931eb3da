//! One receiver is down for days, and the others do not feel it.

use super::*;
use crate::store::DeliveryState;

const HOUR: Duration = Duration::from_secs(3600);
/// The longest that an attempt takes.
const DEADLINE: u32 = 30;
const HOOK: &str = "kind = 'webhook'\nurl = 'http://127.0.0.1:9/x'\ninsecure = true\nallow_private = true\n";

fn told(count: u32, hours: u64) -> Vec<Told> {
    let all = ["sick", "quick", "slow"].map(str::to_owned).to_vec();
    let tell = |index: u32| Told {
        alert: index as usize % 6,
        number: index / 6 + 1,
        at: START.plus(HOUR.mul_f64(hours as f64 * f64::from(index) / f64::from(count))),
        receivers: all.clone(),
    };
    (0..count).map(tell).collect()
}

/// For three days and six hours one receiver lets every attempt run into its deadline; then it is well.
#[tokio::test(start_paused = true)]
async fn a_receiver_that_is_down_for_days_delays_no_other() {
    let receivers = ["sick", "quick", "slow"].map(|name| (name.to_owned(), HOOK.to_owned()));
    let mut world = World::new(&receivers, told(240, 78), 7);
    let recovery = START.plus(HOUR * 78);
    let well = |seconds| Turn { act: Act::Takes, seconds };
    let down = Turn { act: Act::Loses { taken: false }, seconds: DEADLINE };
    world.services.script("sick", &[], move |now| if now < recovery { down } else { well(1) });
    world.services.script("quick", &[], move |_| well(0));
    world.services.script("slow", &[], move |_| well(DEADLINE - 1));
    assert!(world.live(None).await, "it came to its end");
    let (seen, records) = (world.services.seen(), world.records().await);

    for seen in seen.iter().filter(|seen| seen.receiver != "sick") {
        let (record, _) = records.iter().find(|(record, _)| record.delivery.id == seen.id).unwrap();
        let waited = seen.at.since(record.delivery.created_at);
        assert!(waited < Duration::from_secs(1), "{waited:?}: {seen:?}");
        assert_eq!((record.state, record.attempts), (DeliveryState::Sent, 1));
    }
    let sick: Vec<&Seen> = seen.iter().filter(|seen| seen.receiver == "sick").collect();
    let at_once = |seen: &&Seen| {
        sick.iter().filter(|other| other.at <= seen.at && other.answered.is_none_or(|end| end > seen.at)).count()
    };
    assert!(sick.iter().map(at_once).max().unwrap() <= 24, "its attempts are bounded");
    let in_vain = sick.iter().filter(|seen| !seen.act.takes()).count();
    assert!((200..=78 * 4 + 40).contains(&in_vain), "{in_vain} attempts in vain: a rest after each");

    let of_sick: Vec<&DeliveryRecord> =
        records.iter().map(|(record, _)| record).filter(|record| record.delivery.receiver == "sick").collect();
    assert_eq!(of_sick.len(), 240);
    let of = |state| of_sick.iter().copied().filter(move |record| record.state == state).collect::<Vec<_>>();
    let (sent, dead, superseded) = (of(DeliveryState::Sent), of(DeliveryState::Dead), of(DeliveryState::Superseded));
    assert_eq!(sent.len() + dead.len() + superseded.len(), 240, "nothing is stuck");
    assert!(
        dead.iter().all(|record| recovery.since(record.delivery.created_at) > HOUR * 71),
        "none too soon: {dead:#?}"
    );
    for record in &superseded {
        let is_newer = |other: &&DeliveryRecord| {
            other.delivery.alert == record.delivery.alert
                && other.delivery.message.number > record.delivery.message.number
        };
        assert!(sent.iter().copied().any(|other| is_newer(&other)), "it gave way to one that is sent: {record:?}");
    }
    assert!(!dead.is_empty(), "{} sent, {} dead, {} superseded", sent.len(), dead.len(), superseded.len());
    for record in sent {
        let waited = record.sent_at.unwrap().since(recovery.max(record.delivery.created_at));
        assert!(waited < HOUR.mul_f64(0.5), "{waited:?} after it was well again");
    }
    let mut newest = BTreeMap::new();
    for seen in &sick {
        let before = newest.insert(&seen.alert, seen.number).unwrap_or_default();
        assert!(before <= seen.number, "in order: {before} before {seen:?}");
    }
}

//! What is stored in parts, as it is too much to be kept until all of it is worked out.

use std::collections::BTreeSet;

use super::*;

/// Whoever asks for what is due gets nothing of a bundle before its last part is stored, and then all of it.
#[tokio::test]
async fn what_is_stored_in_parts_is_told_together() {
    let feed = feed_table("a", "month");
    let world = World::new(true, &feed).await;
    let figures: String = (0..600).map(|number| format!("P{number} 2025-08=400 2025-09=250; ")).collect();
    world.pull("a", &figures).await;
    world.start().await;
    configure(&world.directory, &(feed + &rule_table("low", "a", LOW)));
    let (setup, store) = (world.setup(), &world.context.store);
    let evaluation = world.evaluation(&setup).await;
    let mut outcome = evaluation.in_parts(Parts::Alone);
    let mut looking = evaluation.looking(&evaluation.rules(), "a", &evaluation.looks().await.unwrap());
    evaluation.single(&store.series().await.unwrap(), PullId(1), &looking, &mut outcome).await.unwrap();
    assert_eq!(world.told().await.len(), 600 / BATCH * BATCH);
    let (holder, now) = (world.context.holder.clone(), world.context.clock.now());
    let taking = Taking { holder, now, ttl: Duration::from_secs(60), limit: 9, hurry: false };
    let due = async || store.lease_due(&taking, &[Place::new("desk", 9)]).await.unwrap();
    assert_eq!(due().await, []);
    assert!(evaluation.commit(&mut looking, &mut outcome).await.unwrap());
    assert_eq!(due().await.iter().map(crate::store::Leased::tells).collect::<Vec<_>>(), [600]);
}

/// An alert that keeps others back may come after them, and after more of them than are stored at a time.
#[tokio::test]
async fn what_inhibits_is_known_before_anything_is_stored() {
    let low = rule_table("a-low", "a", &format!("{LOW}\ninhibited_by = [\"b-low\"]"));
    let world = World::new(true, &(feed_table("a", "month") + &low + &rule_table("b-low", "a", LOW))).await;
    world.start().await;
    let figures: String = (0..600).map(|number| format!("P{number} 2025-08=400 2025-09=250; ")).collect();
    world.pull("a", &figures).await;
    world.pending().await;
    assert_eq!(world.told().await.len(), 1200);
    let deliveries = world.context.store.deliveries(false, 2000).await.unwrap();
    let rules: BTreeSet<&str> = deliveries.iter().map(|record| record.delivery.message.alert.rule.as_str()).collect();
    assert_eq!((deliveries.len(), rules), (600, BTreeSet::from(["b-low"])));
}

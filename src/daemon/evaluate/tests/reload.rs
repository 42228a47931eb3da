//! A reload while a pull is worked out.

use super::*;

/// The rules may be read again between any two steps; the pull is then worked out by the new ones at once.
#[tokio::test]
async fn a_pull_that_a_reload_got_ahead_of_is_worked_out_at_once() {
    let feed = feed_table("a", "month");
    let (low, gone) = (rule_table("low", "a", LOW), rule_table("gone", "a", FALLING));
    let mut fenced = 0;
    // How many steps there are in between differs; one of them is the one that counts.
    for steps in 0..200 {
        let world = World::new(true, &(feed.clone() + &low + &gone)).await;
        world.start().await;
        world.pull("a", "US 2025-08=400 2025-09=250").await;
        let (old, store) = (world.setup(), &world.context.store);
        configure(&world.directory, &(feed.clone() + &low));
        let new = world.setup();
        let evaluation = world.evaluation(&old).await;
        let reload = async {
            for _ in 0..steps {
                store.looks().await.unwrap();
            }
            world.evaluation(&new).await
        };
        let (pending, reloaded) = tokio::join!(evaluate_pending(&evaluation), reload);
        fenced += usize::from(pending.unwrap().fenced);
        evaluate_all(&reloaded).await.unwrap();
        evaluate_pending(&reloaded).await.unwrap();
        assert!(world.rows().await.contains(&"low US firing since 2025-09".to_owned()), "after {steps} steps");
        world.pass(1);
        let left = store.lease_task(&world.context.holder, world.context.clock.now(), TASK_LEASE).await.unwrap();
        assert_eq!(left, None, "after {steps} steps");
        if fenced > 2 {
            break;
        }
    }
    assert!(fenced > 0, "no reload came in between");
}

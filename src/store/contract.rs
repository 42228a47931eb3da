//! What every backend must do: one suite, run on each of them by `contract!`.
//!
//! Nothing here knows a backend; a test gets a place for a new store, opens it, and looks at it only through
//! [`Store`].

mod evaluation;
pub mod fixture;
mod forget;
mod gather;
mod hush;
mod life;
mod model;
mod outbox;
mod pulls;
mod reading;
pub mod server;

use super::{Damage, Location, Store};
use crate::base::clock::Timestamp;

/// A place for a store, new for each test.
pub struct Site {
    location: Location,
    _place: Place,
}

/// What is taken away with a site.
enum Place {
    Directory(#[expect(dead_code, reason = "it is there to be dropped")] tempfile::TempDir),
    Database(#[expect(dead_code, reason = "it is there to be dropped")] server::Database),
}

/// The time at which every test begins.
pub const NOW: Timestamp = Timestamp::from_millis(1_760_000_000_000);

impl Site {
    /// An SQLite file in a new directory.
    pub fn sqlite() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let location = Location::Sqlite(directory.path().join("store.db"));
        Some(Self { location, _place: Place::Directory(directory) })
    }

    /// A new database on the server that tests are given; `None` where they are given none.
    pub fn postgres() -> Option<Self> {
        let database = server::Database::create()?;
        Some(Self { location: Location::Postgres(Box::new(database.server())), _place: Place::Database(database) })
    }

    async fn open(&self) -> Store {
        Store::open(&self.location, NOW).await.unwrap()
    }

    /// What is wrong with a file; a server's own tools say it of its tables.
    fn damages(&self) -> Vec<Damage> {
        self.location.file().map(|_| self.location.check().unwrap().damages).unwrap_or_default()
    }

    async fn open_at(&self, now: Timestamp) -> Store {
        Store::open(&self.location, now).await.unwrap()
    }
}

macro_rules! contract {
    ($backend:ident: $($module:ident { $($test:ident,)+ })+) => {
        mod $backend {
            $(mod $module {
                $(#[tokio::test]
                async fn $test() {
                    if let Some(site) = super::super::Site::$backend() {
                        super::super::$module::$test(site).await;
                    }
                })+
            })+

            #[test]
            fn histories_equal_a_naive_model() {
                super::model::histories_equal_a_naive_model(super::Site::$backend);
            }
        }
    };
    ($($backend:ident),+) => {
        $(contract! { $backend:
            pulls {
                a_pull_leaves_vintages_and_a_task,
                saying_the_same_again_leaves_no_task,
                a_revision_keeps_what_was_known,
                other_digits_are_no_revision_where_the_publisher_rounds,
                a_withdrawn_figure_is_a_vintage_without_one,
                publications_are_successive_vintages,
                a_file_with_its_past_is_read_again_without_news,
                combined_periods_stand_beside_single_ones,
                every_value_reads_back_equal,
                another_frequency_or_unit_begins_another_series,
                a_row_that_cannot_be_is_refused_with_its_pull,
                a_tick_is_answered_once,
                a_lease_is_held_until_it_runs_out,
                a_lost_lease_writes_nothing,
                what_is_remembered_of_a_feed,
                histories_are_read_in_the_order_asked,
                requests_count_against_their_quota,
                pulls_are_told_newest_first,
                an_item_is_kept_as_it_was_first_said,
                items_are_counted_by_day,
            }
            evaluation {
                a_rule_looks_from_where_it_came,
                tasks_of_a_feed_keep_their_order,
                a_task_is_held_until_it_runs_out,
                a_task_that_is_given_back_is_free_at_once,
                what_a_task_came_to_is_stored_whole,
                a_lost_task_stores_nothing,
                an_alert_of_another_version_stores_nothing,
                alerts_read_back_in_order,
                those_that_wait_are_counted_by_rule,
                alerts_are_read_in_the_order_asked,
                a_look_of_another_version_stores_nothing,
                a_lost_task_looks_at_nothing,
                a_look_is_forgotten_with_its_rule_or_its_feed,
            }
            outbox {
                order_is_kept_within_alert_and_receiver,
                what_is_owed_already_is_not_owed_again,
                waits_and_pauses_are_kept_unless_in_a_hurry,
                only_named_receivers_are_served_and_in_turn,
                what_is_held_waits_in_any_hurry,
                an_attempt_is_recorded_when_it_begins,
                every_outcome_reads_back_equal,
                a_dead_letter_is_out_of_the_way,
                a_receiver_that_is_disabled_keeps_what_it_is_owed,
                what_waits_too_long_for_a_disabled_receiver_is_given_up,
                a_later_message_knows_the_first_of_its_thread,
                a_retry_by_hand_renews_patience,
                a_retry_by_hand_finds_the_one_that_is_meant,
                a_retry_by_hand_is_made_in_spite_of_a_doubt,
                a_retry_by_hand_leaves_an_attempt_alone,
                the_next_time_is_that_of_what_can_be_taken,
            }
            gather {
                what_belongs_together_is_one_message,
                whoever_has_the_first_of_a_bundle_has_all_of_it,
                several_take_from_one_receiver_and_none_takes_twice,
                what_is_told_together_ends_together,
                order_is_kept_around_what_is_told_together,
                what_was_attempted_says_the_same_again,
                a_receiver_may_be_told_each_by_itself,
                what_is_not_all_there_waits_for_the_rest,
                a_retry_by_hand_sends_all_of_it_again,
                what_is_told_together_is_given_up_together,
                the_middle_gives_way_to_what_is_newer,
                a_beginning_gives_way_to_the_end_alone,
                what_may_have_arrived_gives_way_to_nothing,
                what_gives_way_is_in_no_message,
                what_gave_way_is_not_sent,
                what_it_tells_itself_holds_no_message_up,
                more_than_is_told_one_by_one_is_told_together,
            }
            hush {
                silences_read_back_and_end,
                a_silence_keeps_a_beginning_back_and_notes_for_whom,
                nothing_keeps_an_end_back,
                whoever_knows_is_not_told_that_it_goes_on,
                an_alert_keeps_back_what_is_stored_with_it,
            }
            reading {
                alerts_are_listed_by_gravity_and_age,
                an_alert_is_found_by_its_id,
                what_was_said_last_is_found_for_many_at_once,
                series_are_known_by_their_labels,
                series_are_searched_by_label_and_word,
                a_former_series_is_not_listed,
                deliveries_are_listed_newest_first,
                facts_are_counted,
                a_reader_sees_what_is_stored_and_changes_nothing,
                a_version_changes_with_every_commit,
                a_reader_ends_with_its_store,
            }
            forget {
                deliveries_that_are_over_are_forgotten,
                a_message_finds_its_thread_after_what_was_forgotten,
                pulls_that_brought_nothing_are_forgotten,
            }
            life {
                a_store_is_as_it_was_left,
                a_store_knows_how_large_it_is,
                what_a_process_held_is_free_after_it,
                an_attempt_that_nobody_has_repeated_is_recorded,
                no_wait_outlasts_a_clock_that_goes_back,
                a_copy_is_apart_from_its_store,
                a_copy_of_nothing_is_empty,
                a_change_beside_the_owner_is_seen,
                a_closed_store_says_so,
            }
        })+
    };
}

contract!(sqlite, postgres);

//! Every limit that keeps an input bounded, each in one place and with its name.
//!
//! What an operator may need to change is also an option of the config; its default is here.

use std::time::Duration;

/// A feed's response, after decompression, at most (bytes).
pub const BODY_BYTES_MAX: u64 = 32 << 20;
/// Pages that one pull follows, at most.
pub const PAGES_MAX: usize = 200;
/// Rows of one pull, at most.
pub const ROWS_MAX: usize = 20_000_000;
/// Columns of one table, at most.
pub const COLUMNS_MAX: usize = 16_384;
/// Characters of a label that a feed names, at most.
pub const LABEL_CHARS_MAX: usize = 256;
/// What an archive unpacks to, at most (bytes).
pub const UNPACKED_BYTES_MAX: u64 = 128 << 20;
/// Cells of one sheet of a workbook that hold anything, at most.
pub const CELLS_MAX: usize = 4_000_000;
/// Redirects that one request follows, at most.
pub const REDIRECTS_MAX: usize = 5;
/// Refused rows of one pull whose reasons are kept, at most; all are counted.
pub const REFUSALS_KEPT: usize = 20;
/// Rows of a pull that may be refused before the whole pull is set aside: so many, or this share.
pub const REFUSED_ROWS: usize = 5;
/// See [`REFUSED_ROWS`]: whichever is more.
pub const REFUSED_SHARE: f64 = 0.05;
/// Raw bytes of a pull that are kept for a look, at most.
pub const RAW_BYTES_KEPT: usize = 32 << 20;
/// How long they are kept.
pub const KEEP_RAW: Duration = Duration::from_secs(30 * 86_400);
/// How long the pulls of a feed may fail before somebody is told.
pub const EXPECT_WITHIN: Duration = Duration::from_secs(86_400);
/// After so long a pull asks nothing more that may wait.
pub const PULL_TIME_MAX: Duration = Duration::from_secs(600);
/// Bytes of a file that are read at a time, where it may be cut into pieces.
pub const PIECE_BYTES: usize = 1 << 20;
/// Bytes of one record, at most, where a file is cut into pieces.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Bytes of a file that is imported as a whole, at most.
pub const WHOLE_BYTES_MAX: u64 = 1 << 30;
/// Files of a watched folder or an archive, at most.
pub const FILES_MAX: usize = 10_000;
/// Connecting to a feed, at most.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Silence while reading from a feed, at most.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// A whole fetch from a feed with its retries, at most.
pub const TOTAL_TIMEOUT: Duration = Duration::from_secs(120);
/// Attempts of one fetch, at most.
pub const FETCH_TRIES: u32 = 3;
/// The bound of the wait before the second attempt of a fetch; it doubles.
pub const FETCH_WAIT: Duration = Duration::from_secs(1);
/// A longer wait than this ends a fetch: the feed's next pull is the next attempt.
pub const FETCH_WAIT_MAX: Duration = Duration::from_secs(10);
/// A time that a peer asks us to wait (Retry-After), at most.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(6 * 3600);
/// Neighbours in a daily series lie at most so many days apart.
pub const MAX_GAP_DAYS: i64 = 7;
/// Days for which a scenario goes on after its last figure, at most.
pub const SCENARIO_DAYS_MAX: u64 = 3660;
/// Levels of brackets in an expression, at most.
pub const EXPRESSION_DEPTH_MAX: usize = 64;
/// Characters in an expression, at most.
pub const EXPRESSION_CHARS_MAX: usize = 10_000;
/// Parts of an expression (numbers, measures, operators), at most.
pub const EXPRESSION_PARTS_MAX: usize = 250;
/// Streaks within one another in an expression, at most: each walks through the history again.
pub const STREAK_DEPTH_MAX: usize = 2;
/// Periods in a row that a streak counts; a longer one is a lower bound.
pub const STREAK_MAX: u32 = 1000;
/// Periods that a look-back or a window reaches back, at most (a hundred years of days).
pub const LOOK_BACK_MAX: u32 = 40_000;
/// Years that a season is held against, at most.
pub const YEARS_MAX: u32 = 100;
/// Past periods that are judged again after a revision, at most: the latest.
pub const PERIODS_REJUDGED_MAX: usize = 240;
/// Series of one derived definition that `check` calculates to see whether they have figures, at most.
pub const DERIVED_CHECKED_MAX: usize = 100;
/// Figures that are tried for the bounds of one chart, at most; what is older than they suffice for has none.
pub const BOUND_TRIES_MAX: usize = 400_000;
/// Charts in one file, at most.
pub const CHARTS_MAX: usize = 12;
/// Series whose labels are looked through for values to offer, at most.
pub const SEARCHED_FOR_LABELS: usize = 1000;
/// Series that are read to draw on the overview what is made of several, at most.
pub const SERIES_READ_MAX: usize = 5000;
/// Values of a label that are offered to look for series, at most.
pub const LABEL_VALUES_TOLD: usize = 12;
/// Vintages of a series that is replayed while somebody waits for it, at most.
pub const REPLAYED_MAX: usize = 20_000;
/// Alerts that are told with the rules, at most: the gravest.
pub const GROUP_ALERTS_MAX: usize = 1000;
/// Series of one rule that are judged for one answer, at most.
pub const JUDGED_MAX: usize = 500;
/// Series of one rule that are explained in one answer, at most.
pub const EXPLAINED_MAX: usize = 100;
/// Reasons that are kept of an unknown value; the others are counted.
pub const REASONS_KEPT: usize = 8;
/// Bytes of one value in the journal, at most; the rest is cut off.
pub const JOURNAL_VALUE_BYTES_MAX: usize = 16 << 10;
/// Bytes of a receiver's answer that are read for its verdict, at most.
pub const ANSWER_BYTES_READ: usize = 16 << 10;
/// Bytes of a receiver's answer that are kept with the attempt, at most.
pub const ANSWER_BYTES_KEPT: usize = 2 << 10;
/// Deliveries leased in one batch, at most.
pub const LEASE_BATCH: usize = 24;
/// Messages that are told in one, at most.
pub const GATHERED_MAX: usize = 1000;
/// How long what is to be told together waits for the rest of it, should that never come.
pub const GATHER_WAIT: Duration = Duration::from_secs(300);
/// How long a delivery is ours; longer than any send may take.
pub const LEASE: Duration = Duration::from_secs(180);
/// How long a replica that says nothing keeps its work.
pub const REPLICA_LEASE: Duration = Duration::from_secs(15);
/// See [`REPLICA_LEASE`]: a shorter one would take work from replicas that are only slow.
pub const REPLICA_LEASE_MIN: Duration = Duration::from_secs(2);
/// See [`REPLICA_LEASE`]: a longer one would leave work undone for too long.
pub const REPLICA_LEASE_MAX: Duration = Duration::from_secs(300);
/// Connecting to a host of the database until it has let us in, at most.
pub const DATABASE_CONNECT: Duration = Duration::from_secs(5);
/// Silence of the database after which it is asked whether it is there.
pub const DATABASE_PROBE_AFTER: Duration = Duration::from_secs(5);
/// How often it is asked again.
pub const DATABASE_PROBE_EVERY: Duration = Duration::from_secs(2);
/// Questions without an answer after which it counts as gone.
pub const DATABASE_PROBES: u32 = 3;
/// Time for what was sent to the database to be taken, at most.
pub const DATABASE_UNHEARD: Duration = Duration::from_secs(10);
/// A replica whose clock differs more from the database's takes no work: leases and schedules are told by it.
pub const CLOCK_AHEAD_MAX: Duration = Duration::from_secs(30);
/// Periods between the first and the last column of a panel, at most; what lies further is judged by its
/// own history.
pub const PANEL_PERIODS_MAX: usize = 4096;
/// Steps of the rules that are judged together over a panel, at most.
pub const BULK_STEPS_MAX: usize = 100_000;
/// Connections to the page at a time, at most; one more ends the longest idle.
pub const CONNECTIONS_MAX: usize = 512;
/// Time for a request's header to come, and for the next request on an open connection.
pub const HEADER_WAIT: Duration = Duration::from_secs(5);
/// Bytes of a request's header, at most.
pub const HEADER_BYTES_MAX: usize = 16 << 10;
/// Fields of a request's header, at most.
pub const HEADER_FIELDS_MAX: usize = 64;
/// Bytes of a request's body, at most.
pub const REQUEST_BYTES_MAX: usize = 64 << 10;
/// Time for a request to come whole and be answered.
pub const REQUEST_TIME_MAX: Duration = Duration::from_secs(30);
/// Visitors who watch for changes at a time, at most.
pub const WATCHERS_MAX: usize = 64;
/// Items of one answer, at most.
pub const ITEMS_MAX: usize = 5000;
/// Characters of an item's name, at most; a longer one is known by its hash.
pub const ITEM_ID_CHARS_MAX: usize = 500;
/// Characters of an item's title that are kept.
pub const ITEM_TITLE_CHARS_MAX: usize = 500;
/// Characters of what an item says in short that are kept.
pub const ITEM_TEXT_CHARS_MAX: usize = 4000;
/// Characters of an item's address, at most; a longer one is left out.
pub const ITEM_URL_CHARS_MAX: usize = 1000;

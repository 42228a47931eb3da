//! The shape of the config: what may be written, table by table.
//!
//! Types and names are checked here; what values mean, and whether they fit together, is `resolve`'s.

use super::problem::{Finding, Report};
use super::receiver::ReceiverTable;
use super::route::RouteTable;
use super::rule::RuleTable;
use super::secret::SecretText;
use super::section::{Given, Section};
use super::series::SeriesTable;
use super::source::{At, Texts};
use super::web::WebTable;

/// A whole config: the main file and what it includes.
#[derive(Default)]
pub struct File {
    /// `[daemon]`.
    pub daemon: DaemonTable,
    /// `[web]`.
    pub web: WebTable,
    /// `[feed.NAME]`.
    pub feeds: Vec<Named<FeedTable>>,
    /// `[series.NAME]`.
    pub series: Vec<Named<SeriesTable>>,
    /// `[rule.NAME]`.
    pub rules: Vec<Named<RuleTable>>,
    /// `[receiver.NAME]`.
    pub receivers: Vec<Named<ReceiverTable>>,
    /// Every `[[route]]`, in the order of files.
    pub routes: Vec<RouteTable>,
}

/// A table with its name.
pub struct Named<T> {
    /// The name.
    pub name: At<String>,
    /// The table.
    pub table: T,
}

/// `[daemon]`.
#[derive(Default)]
pub struct DaemonTable {
    /// `sqlite:PATH`, or the address of a PostgreSQL database.
    pub state: Option<At<SecretText>>,
    /// How long a replica that says nothing keeps its work.
    pub lease: Option<At<String>>,
    /// The zone of feeds that name none.
    pub timezone: Option<At<String>>,
    /// Globs of further files.
    pub include: Option<Texts>,
    /// For the User-Agent.
    pub contact: Option<At<String>>,
    /// Through which public addresses are reached.
    pub proxy: Option<At<SecretText>>,
    /// Who hears of receivers that fail.
    pub fallback: Option<Texts>,
    /// Where its page is to be found.
    pub page_url: Option<At<String>>,
    /// Who is told that all is well.
    pub dead_man: Option<DeadManTable>,
    /// How long deliveries that are over are kept.
    pub keep_attempts: Option<At<String>>,
}

/// `[daemon.dead_man]`.
pub struct DeadManTable {
    /// Its keys.
    pub given: Given,
    /// The address that is asked.
    pub url: Option<At<SecretText>>,
    /// How often.
    pub every: Option<At<String>>,
    /// Plain http is allowed.
    pub insecure: Option<At<bool>>,
    /// Private addresses are allowed.
    pub allow_private: Option<At<bool>>,
}

/// `[feed.NAME]`, of every kind.
pub struct FeedTable {
    /// Its keys.
    pub given: Given,
    /// Whose figures they are, or the format of a feed of any publisher.
    pub kind: Option<At<String>>,
    /// A file, or a folder of files.
    pub path: Option<At<String>>,
    /// An address.
    pub url: Option<At<SecretText>>,
    /// Header fields to send.
    pub headers: Vec<At<(String, At<SecretText>)>>,
    /// Plain http is allowed.
    pub insecure: Option<At<bool>>,
    /// Private addresses are allowed.
    pub allow_private: Option<At<bool>>,
    /// When it is pulled.
    pub schedule: Option<At<String>>,
    /// The publisher's zone.
    pub timezone: Option<At<String>>,
    /// The frequency of its series.
    pub frequency: Option<At<String>>,
    /// The declared unit.
    pub unit: Option<At<String>>,
    /// The constant labels: name and value.
    pub labels: Vec<(At<String>, At<String>)>,
    /// What the columns mean.
    pub columns: Option<ColumnsTable>,
    /// A column per period.
    pub wide: Option<At<bool>>,
    /// The sign between fields.
    pub delimiter: Option<At<String>>,
    /// The sign before a fraction.
    pub decimal: Option<At<String>>,
    /// The sign between thousands.
    pub thousands: Option<At<String>>,
    /// The text's encoding.
    pub encoding: Option<At<String>>,
    /// Lines before the header.
    pub skip_lines: Option<At<u64>>,
    /// No row may be refused.
    pub strict: Option<At<bool>>,
    /// How many rows may be refused.
    pub max_refused: Option<At<String>>,
    /// The pointer to the array of records.
    pub records: Option<At<String>>,
    /// The form of the periods.
    pub period_format: Option<At<String>>,
    /// What the figures are.
    pub title: Option<At<String>>,
    /// When its figures are due.
    pub release: Option<ReleaseTable>,
    /// What a cell that is left out means.
    pub absent: Option<At<String>>,
    /// How far apart neighbours of a daily series may lie.
    pub max_gap: Option<At<String>>,
    /// The response's size, at most.
    pub max_bytes: Option<At<String>>,
    /// How long what arrives is kept as it was.
    pub keep_raw: Option<At<String>>,
    /// How many requests there may be: `500/month`.
    pub quota: Option<At<String>>,
    /// The least time between two requests.
    pub pause: Option<At<String>>,
    /// The key that the publisher gave the user.
    pub key: Option<At<SecretText>>,
    /// The publisher's own names of series.
    pub series: Option<Texts>,
    /// The first period that is asked for.
    pub since: Option<At<String>>,
    /// Earlier vintages are asked for as well.
    pub vintages: Option<At<bool>>,
    /// Which dataset of a statistical office.
    pub dataflow: Option<At<String>>,
    /// The key of the series within it.
    pub query: Option<At<String>>,
    /// The form in which figures are asked for.
    pub format: Option<At<String>>,
    /// The countries whose trade it is.
    pub reporter: Option<Texts>,
    /// The countries that they trade with.
    pub partner: Option<Texts>,
    /// Imports, exports.
    pub flow: Option<Texts>,
    /// The codes of goods.
    pub commodity: Option<Texts>,
    /// Value, weight, quantity.
    pub measure: Option<Texts>,
    /// How long its pulls may fail before somebody is told.
    pub expect_within: Option<At<String>>,
    /// Who is told of it.
    pub notify: Option<Texts>,
    /// Which goods count as imports.
    pub basis: Option<At<String>>,
    /// The sheet of a workbook.
    pub sheet: Option<At<String>>,
    /// Words that a publisher is to look for, in its own syntax.
    pub term: Option<At<String>>,
    /// Authorities, by the publisher's own names.
    pub agency: Option<Texts>,
    /// Kinds of documents.
    pub document_type: Option<Texts>,
    /// Title and part of the Code of Federal Regulations.
    pub cfr: Option<At<String>>,
}

/// `release`.
pub struct ReleaseTable {
    /// Its keys.
    pub given: Given,
    /// The day of the month.
    pub day: Option<At<u64>>,
    /// How long after the period.
    pub after: Option<At<String>>,
    /// How late a figure may be.
    pub grace: Option<At<String>>,
    /// The months without a release.
    pub skip: Option<At<Vec<At<u64>>>>,
    /// The zone in which a due day begins.
    pub timezone: Option<At<String>>,
}

/// `columns`.
pub struct ColumnsTable {
    /// Where the period stands.
    pub period: Option<At<String>>,
    /// Where the figure stands.
    pub value: Option<At<String>>,
    /// Where the unit stands.
    pub unit: Option<At<String>>,
    /// Where the publisher's mark stands.
    pub status: Option<At<String>>,
    /// Where the time of publication stands.
    pub published: Option<At<String>>,
    /// Where the labels stand.
    pub labels: LabelColumns,
}

/// `columns.labels`.
pub enum LabelColumns {
    /// Columns that name their labels themselves.
    List(Vec<At<String>>),
    /// Labels and their columns.
    Table(Vec<(At<String>, At<String>)>),
}

/// What a file is to the config.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The file that was found.
    Main,
    /// One that it includes.
    Included,
}

impl File {
    /// Adds what a file says. A name that is there already is refused.
    pub fn add(&mut self, mut root: Section<'_>, role: Role) {
        let report = root.report;
        if let Some(daemon) = of_main(&mut root, "daemon", role) {
            self.daemon = DaemonTable::read(daemon);
        }
        if let Some(web) = of_main(&mut root, "web", role) {
            self.web = WebTable::read(web);
        }
        merge(&mut self.feeds, tables(&mut root, "feed"), FeedTable::read, report);
        merge(&mut self.series, tables(&mut root, "series"), SeriesTable::read, report);
        merge(&mut self.rules, tables(&mut root, "rule"), RuleTable::read, report);
        merge(&mut self.receivers, tables(&mut root, "receiver"), ReceiverTable::read, report);
        self.routes.extend(root.list("route").into_iter().map(RouteTable::read));
        root.finish();
    }
}

/// A table that only the main config may have.
fn of_main<'t>(root: &mut Section<'t>, key: &'static str, role: Role) -> Option<Section<'t>> {
    let table = titled(root.table(key)?, key);
    if role == Role::Included {
        root.report.add(
            Finding::error(table.place, format!("[{key}] stands in an included file"))
                .label("not here")
                .help(format!("only the main config may have [{key}]; move it there")),
        );
        return None;
    }
    Some(table)
}

fn titled<'t>(mut section: Section<'t>, title: &str) -> Section<'t> {
    section.title = title.to_owned();
    section
}

/// The tables by name under a key, with names that may be used.
fn tables<'t>(root: &mut Section<'t>, key: &'static str) -> Vec<(At<String>, Section<'t>)> {
    let Some(family) = root.table(key).map(|family| titled(family, key)) else { return Vec::new() };
    let named = |entry| {
        let section = family.entry_table(&entry)?;
        if !is_name(&entry.name.value) {
            let message = format!("`{}` is no name for a {key}", entry.name.value);
            let finding = Finding::error(entry.name.place, message).label("not a name");
            root.report.add(finding.help("a name has 1 to 100 letters (A to Z), digits, `.`, `_` and `-`"));
        }
        Some((entry.name, section))
    };
    family.entries().into_iter().filter_map(named).collect()
}

/// What [`is_name`] says, as a regular expression.
pub const NAMES: &str = "^[A-Za-z0-9._-]{1,100}$";

fn is_name(name: &str) -> bool {
    (1..=100).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn merge<'t, T>(
    into: &mut Vec<Named<T>>,
    tables: Vec<(At<String>, Section<'t>)>,
    read: impl Fn(Section<'t>) -> T,
    report: &Report,
) {
    for (name, section) in tables {
        let title = section.title.clone();
        let table = read(section);
        match into.iter().find(|named| named.name.value == name.value) {
            None => into.push(Named { name, table }),
            Some(first) => report.add(
                Finding::error(name.place, format!("[{title}] is there twice"))
                    .label("again")
                    .also(first.name.place, "first")
                    .help("give one of them another name"),
            ),
        }
    }
}

impl DaemonTable {
    fn read(mut section: Section<'_>) -> Self {
        let table = Self {
            state: section.text_or_secret("state"),
            lease: section.text("lease"),
            timezone: section.text("timezone"),
            include: section.texts("include"),
            contact: section.text("contact"),
            proxy: section.secret("proxy"),
            fallback: section.texts("fallback"),
            page_url: section.text("page_url"),
            dead_man: section.table("dead_man").map(DeadManTable::read),
            keep_attempts: section.text("keep_attempts"),
        };
        section.finish();
        table
    }
}

impl DeadManTable {
    fn read(mut section: Section<'_>) -> Self {
        Self {
            url: section.secret("url"),
            every: section.text("every"),
            insecure: section.flag("insecure"),
            allow_private: section.flag("allow_private"),
            given: section.finish(),
        }
    }
}

impl FeedTable {
    fn read(mut section: Section<'_>) -> Self {
        Self {
            kind: section.text("kind"),
            path: section.text("path"),
            url: section.secret("url"),
            headers: section.table("headers").map(headers).unwrap_or_default(),
            insecure: section.flag("insecure"),
            allow_private: section.flag("allow_private"),
            schedule: section.text("schedule"),
            timezone: section.text("timezone"),
            frequency: section.text("frequency"),
            unit: section.text("unit"),
            labels: section.table("labels").map(|labels| pairs(&labels)).unwrap_or_default(),
            columns: section.table("columns").map(ColumnsTable::read),
            wide: section.flag("wide"),
            delimiter: section.text("delimiter"),
            decimal: section.text("decimal"),
            thousands: section.text("thousands"),
            encoding: section.text("encoding"),
            skip_lines: section.whole("skip_lines"),
            strict: section.flag("strict"),
            max_refused: section.amount("max_refused", "5%"),
            records: section.text("records"),
            period_format: section.text("period_format"),
            title: section.text("title"),
            release: section.table("release").map(ReleaseTable::read),
            absent: section.text("absent"),
            max_gap: section.text("max_gap"),
            max_bytes: section.amount("max_bytes", "64 MiB"),
            keep_raw: section.text("keep_raw"),
            quota: section.text("quota"),
            pause: section.text("pause"),
            key: section.secret("key"),
            series: section.texts("series"),
            since: section.text_or_date("since"),
            vintages: section.flag("vintages"),
            dataflow: section.text("dataflow"),
            query: section.text("query"),
            format: section.text("format"),
            reporter: section.texts("reporter"),
            partner: section.texts("partner"),
            flow: section.texts("flow"),
            commodity: section.texts("commodity"),
            measure: section.texts("measure"),
            expect_within: section.text("expect_within"),
            notify: section.texts("notify"),
            basis: section.text("basis"),
            sheet: section.text("sheet"),
            term: section.text("term"),
            agency: section.texts("agency"),
            document_type: section.texts("document_type"),
            cfr: section.text("cfr"),
            given: section.finish(),
        }
    }
}

impl ReleaseTable {
    /// Reads the table.
    pub fn read(mut section: Section<'_>) -> Self {
        Self {
            day: section.whole("day"),
            after: section.text("after"),
            grace: section.text("grace"),
            skip: section.wholes("skip"),
            timezone: section.text("timezone"),
            given: section.finish(),
        }
    }
}

fn headers(section: Section<'_>) -> Vec<At<(String, At<SecretText>)>> {
    let header = |entry| {
        let secret = section.entry_secret(&entry)?;
        Some(entry.name.with((entry.name.value.clone(), secret)))
    };
    section.entries().into_iter().filter_map(header).collect()
}

/// The entries of a table of free names that are strings.
pub fn pairs(section: &Section<'_>) -> Vec<(At<String>, At<String>)> {
    section.entries().into_iter().filter_map(|entry| Some((entry.name.clone(), section.entry_text(&entry)?))).collect()
}

impl ColumnsTable {
    fn read(mut section: Section<'_>) -> Self {
        let labels = section.table_or_texts("labels").map(|at| match at.value {
            Ok(table) => LabelColumns::Table(pairs(&table)),
            Err(list) => LabelColumns::List(list),
        });
        let table = Self {
            period: section.text("period"),
            value: section.text("value"),
            unit: section.text("unit"),
            status: section.text("status"),
            published: section.text("published"),
            labels: labels.unwrap_or(LabelColumns::List(Vec::new())),
        };
        section.finish();
        table
    }
}

/// Labels and patterns.
pub(super) fn patterns(series: &Section<'_>) -> Vec<(At<String>, Texts)> {
    let pattern = |entry| series.entry_texts(&entry).map(|texts| (entry.name, texts));
    series.entries().into_iter().filter_map(pattern).collect()
}

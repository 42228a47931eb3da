//! Chinese customs' files, from a folder to an alert: sums over provinces, months that nobody says, files cut off at
//! ten thousand rows, revisions, and what else people put into a folder.

use super::sandbox::Sandbox;
use super::scene::{DESK, figures, once, written, written_before};

const HEADER: &str = "\"Date of data\",\"Commodity code\",\"Trading partner code\",\"Trading partner\",\
    \"Locations of importers and exporters code\",\"Quantity\",\"Unit\",\"Supplementary Quantity\",\
    \"Supplementary Unit\",\"US dollar\",\n";

fn world(more: &str) -> Sandbox {
    let sandbox = Sandbox::with_config(&format!(
        "[feed.china-magnets]\nkind = \"gacc\"\npath = \"drop\"\n{more}\n\
        [rule.falling]\nseries = {{ feed = \"china-magnets\", partner = \"US\", measure = \"weight\", flow = \"export\" }}\n\
        when = [\"declines >= 2\", \"change(1mo) < -25%\"]\nseverity = \"critical\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    std::fs::create_dir(sandbox.path("config/drop")).unwrap();
    sandbox
}

/// Puts a file into the folder that was written so many hours before others.
fn drop_file(sandbox: &Sandbox, name: &str, contents: impl AsRef<[u8]>, hours: u64) {
    written_before(sandbox, &format!("config/drop/{name}"), contents, hours);
}

/// A month's exports to the US in kilograms, from two provinces.
fn month(date: &str, kilograms: u64) -> String {
    let row = |province: &str, kilograms: u64| {
        format!(
            "\"{date}\",\"85051110\",\"502\",\"United States\",\"{province}\",\"{kilograms}\",\"Kilogram\",\"0\",\"?\",\
             \"{}\",\n",
            kilograms * 47
        )
    };
    format!("{}{}", row("33", kilograms - 1000), row("44", 1000))
}

fn table(months: &[(&str, u64)]) -> String {
    let months = months.iter().map(|(date, kilograms)| month(date, *kilograms));
    format!("{HEADER}{}", months.collect::<String>())
}

const FALLING: [(&str, u64); 3] = [("202507", 619_000), ("202508", 590_000), ("202509", 420_500)];

#[test]
fn files_in_a_folder_alarm_once_and_are_read_once() {
    let sandbox = world("");
    drop_file(&sandbox, "gacc_export_2025-07_to_09.csv", table(&FALLING), 20);
    once(&sandbox, 0).says(&["feed china-magnets: 6 new", "CRITICAL", "420 500 kg", "September 2025", "−28.7 %"]);
    once(&sandbox, 0).says(&["feed china-magnets: nothing new"]).says_nothing_of(&["CRITICAL"]);
    // Touched: the content is the same.
    drop_file(&sandbox, "gacc_export_2025-07_to_09.csv", table(&FALLING), 10);
    once(&sandbox, 0).says(&["feed china-magnets: nothing new"]);
    // A month more, in Chinese and GB18030.
    let header = "数据年月,商品编码,贸易伙伴编码,第一数量,第一计量单位,美元,\n";
    let (october, ..) = encoding(&format!("{header}202510,85051110,502,656000,千克,\"30,832,000\",\n"));
    drop_file(&sandbox, "出口 2025-10.csv", october, 5);
    once(&sandbox, 0).says(&["feed china-magnets: 2 new, 0 revised", "RESOLVED"]);
}

fn encoding(text: &str) -> (Vec<u8>, bool) {
    let (bytes, _, lost) = encoding_rs::GB18030.encode(text);
    (bytes.into_owned(), lost)
}

/// The file that was written last knows best, in whatever order they are found, and also when both are new.
#[test]
fn a_later_download_of_a_month_is_a_revision() {
    let sandbox = world("");
    drop_file(&sandbox, "b_export.csv", table(&FALLING), 48);
    drop_file(&sandbox, "a_export.csv", table(&[("202509", 580_000)]), 24);
    once(&sandbox, 0).says_nothing_of(&["CRITICAL"]);
    let september = |sandbox: &Sandbox| figures(sandbox, "falling").last().map(|(_, kilograms)| *kilograms);
    assert_eq!(september(&sandbox), Some(580_000.0));
    drop_file(&sandbox, "c_export.csv", table(&[("202509", 420_500)]), 1);
    once(&sandbox, 0).says(&["CRITICAL", "revised"]);
    assert_eq!(september(&sandbox), Some(420_500.0));
    // What is put in later counts, however old the file says it is: nobody can have known it before.
    drop_file(&sandbox, "d_export.csv", table(&[("202509", 1_000_000)]), 72);
    once(&sandbox, 0).says(&["CORRECTED", "was 420 500 kg"]);
}

#[test]
fn a_file_of_ten_thousand_rows_stores_nothing_and_keeps_no_other_from_being_read() {
    let sandbox = world("");
    let cut: String = (0..5000).map(|_| month("202510", 2000)).collect();
    drop_file(&sandbox, "export_all.csv", format!("{HEADER}{cut}"), 3);
    drop_file(&sandbox, "export_09.csv", table(&FALLING), 2);
    once(&sandbox, 0).says(&["6 new", "CRITICAL", "export_all.csv", "10000 rows", "the answer is cut off"]);
    // With nothing else to read, it is a failure until it is mended or moved away.
    once(&sandbox, 1).says(&["set aside, earlier data stand", "export_all.csv", "download fewer goods"]);
    std::fs::remove_file(sandbox.path("config/drop/export_all.csv")).unwrap();
    once(&sandbox, 0).says(&["nothing new"]);
}

#[test]
fn what_a_file_does_not_say_is_said_by_its_name_or_beside_it() {
    let undated = "Commodity code,Trading partner code,Quantity,Unit,Renminbi Yuan,\n85051110,502,420500,Kilogram,\"150,000,000\",\n";
    let sandbox = world("");
    drop_file(&sandbox, "downloadData.csv", undated, 5);
    once(&sandbox, 1).says(&["drop/downloadData.csv", "it has no column of months", "period = \"2026-03\""]);
    drop_file(&sandbox, "downloadData.csv.toml", "flow = \"export\"\nperiod = \"2025-13\"\n", 4);
    once(&sandbox, 1).says(&["the file beside it has `period` as `2025-13`"]);
    drop_file(&sandbox, "downloadData.csv.toml", "period = \"2025-09\"\n", 3);
    once(&sandbox, 1).says(&["nothing says whether it has imports or exports"]);
    drop_file(&sandbox, "downloadData.csv.toml", "flow = \"export\"\nperiod = \"2025-09\"\n", 2);
    once(&sandbox, 0).says(&["2 new"]);
    assert_eq!(figures(&sandbox, "falling").last().unwrap(), &("2025-09".to_owned(), 420_500.0));
    drop_file(&sandbox, "export_2025-10.csv", undated, 2);
    once(&sandbox, 0).says(&["2 new"]);
    drop_file(&sandbox, "export_2025-01_2025-11.csv", undated, 1);
    once(&sandbox, 1).says(&["of several months together, and no month's figure"]);
}

/// One series cannot be in two moneys: the second is refused with the reason.
#[test]
fn files_in_another_money_are_refused() {
    let sandbox = world("measure = \"value\"");
    drop_file(&sandbox, "export_a.csv", table(&FALLING), 5);
    once(&sandbox, 0).says(&["3 new"]);
    drop_file(
        &sandbox,
        "export_b.csv",
        table(&[("202510", 1)].map(|_| ("202510", 5000))).replace("US dollar", "Renminbi Yuan"),
        4,
    );
    once(&sandbox, 1).says(&["CNY does not convert to USD, the unit of the series"]);
}

#[test]
fn a_file_still_being_written_is_left_until_the_next_pull() {
    let sandbox = world("");
    sandbox.write("config/drop/export.csv", table(&FALLING));
    once(&sandbox, 0).says(&["nothing new", "`export.csv` just written: left for the next pull"]);
    drop_file(&sandbox, "export.csv", table(&FALLING), 1);
    once(&sandbox, 0).says(&["6 new"]);
    // Half of it arrived, and nothing more came.
    let half = &table(&[("202510", 300_000)])[..HEADER.len() + 40];
    drop_file(&sandbox, "export_2.csv", half, 1);
    once(&sandbox, 1).says(&["export_2.csv", "the file was cut off"]);
}

#[test]
fn links_other_files_and_folders_are_not_read() {
    let sandbox = world("");
    sandbox.write("secret.csv", table(&FALLING));
    std::os::unix::fs::symlink(sandbox.path("secret.csv"), sandbox.path("config/drop/export.csv")).unwrap();
    std::fs::create_dir(sandbox.path("config/drop/export_old.csv")).unwrap();
    sandbox.write("config/drop/.export.csv", table(&FALLING));
    sandbox.write("config/drop/notes.txt", "notes");
    once(&sandbox, 0).says(&["feed china-magnets: nothing new"]);
}

#[test]
fn a_folder_that_is_none_is_told() {
    let sandbox = world("");
    std::fs::remove_dir(sandbox.path("config/drop")).unwrap();
    once(&sandbox, 1).says(&["config/drop", "there is no such file"]);
    sandbox.write("config/drop", "a file");
    once(&sandbox, 1).says(&["expected a directory, found a file"]);
}

/// The combined download of January and February is neither month's figure; the months that follow are compared.
#[test]
fn january_and_february_as_one_are_no_month() {
    let sandbox = world("");
    let both = "商品编码,贸易伙伴编码,第一数量,第一计量单位,美元\n85051110,502,900000,千克,7\n";
    drop_file(&sandbox, "export_2025-01_2025-02.csv", both, 3);
    drop_file(&sandbox, "export_later.csv", table(&[("202412", 990_000), ("202503", 500_000)]), 2);
    once(&sandbox, 0).says_nothing_of(&["CRITICAL"]);
    let explained = sandbox.stdout(&["explain", "falling"]);
    assert!(explained.contains("combined"), "{explained}");
}

#[test]
fn the_release_calendar_is_theirs_where_the_config_has_none() {
    let sandbox = world("");
    sandbox.run(&["check"]).is(0);
    let overdue = "[rule.late]\nseries = { feed = \"china-magnets\" }\nwhen = \"overdue\"\nseverity = \"warning\"\nnotify = \"desk\"\n";
    let config = format!("{}{overdue}", sandbox.read("config/supplywatch.toml"));
    sandbox.write("config/supplywatch.toml", config);
    sandbox.run(&["check"]).is(0);
    drop_file(&sandbox, "export.csv", table(&FALLING), 3);
    once(&sandbox, 0).says(&["late", "WARNING"]);
}

/// Magnets (85051110) from China to all countries in tonnes, as the press reported the customs' figures, and the day on
/// which people could download them: January's with February's, and nothing in February.
const MAGNETS: [(&str, &[(&str, u64)]); 11] = [
    ("2025-03-20", &[("202501", 6357), ("202502", 3587)]),
    ("2025-04-20", &[("202503", 5323)]),
    ("2025-05-20", &[("202504", 2626)]),
    ("2025-06-20", &[("202505", 1238)]),
    ("2025-07-20", &[("202506", 3188)]),
    ("2025-08-20", &[("202507", 5577)]),
    ("2025-09-20", &[("202508", 6146)]),
    ("2025-10-20", &[("202509", 5774)]),
    ("2025-11-20", &[("202510", 5473)]),
    ("2025-12-20", &[("202511", 6150)]),
    ("2026-01-20", &[("202512", 5952)]),
];

/// A folder of a year's downloads, put there at once, is known as it was then: the two declines of 2025 are found, each on
/// the day on which it was published, and February's alone is none.
#[test]
fn a_year_of_files_is_replayed_as_it_became_known() {
    let sandbox = Sandbox::with_config(&format!(
        "[feed.china-magnets]\nkind = \"gacc\"\npath = \"drop\"\nflow = [\"export\"]\nmeasure = [\"weight\"]\n\n\
        [rule.falling]\nseries = {{ feed = \"china-magnets\" }}\nwhen = \"declines >= 2\"\nseverity = \"critical\"\n\
        notify = \"desk\"\n\n{DESK}"
    ));
    for (day, months) in MAGNETS {
        let rows = months.iter().map(|(month, tonnes)| format!("{month},85051110,{},千克,7,\n", tonnes * 1000));
        let table = format!("数据年月,商品编码,第一数量,第一计量单位,美元,\n{}", rows.collect::<String>());
        let morning = chrono::NaiveDate::parse_from_str(day, "%Y-%m-%d").unwrap().and_hms_opt(2, 0, 0).unwrap();
        let seconds = morning.and_utc().timestamp().unsigned_abs();
        let path = format!("config/drop/downloaded {day}.csv");
        written(&sandbox, &path, table, seconds);
        written(&sandbox, &format!("{path}.toml"), "partner = \"W00\"\n", seconds);
    }
    once(&sandbox, 0).says(&["12 new"]);
    let lines = sandbox.json(&["backtest", "falling"]);
    let told = lines
        .iter()
        .filter(|line| line["type"] == "transition")
        .map(|line| ["transition", "period", "known_on"].map(|key| line[key].as_str().unwrap().to_owned()).join(" "));
    assert_eq!(
        told.collect::<Vec<_>>(),
        [
            "fired 2025-05 2025-06-20",
            "resolved 2025-06 2025-07-20",
            "fired 2025-10 2025-11-20",
            "resolved 2025-11 2025-12-20"
        ]
    );
}

/// The example that is shipped, with a file in its place.
#[test]
fn the_shipped_example_reads_its_file() {
    let sandbox = Sandbox::shipped();
    sandbox.write("magnets.csv", table(&FALLING));
    sandbox.write("config/own.toml", format!(
        "[daemon]\ninclude = [\"feeds/gacc.toml\"]\n\n[rule.any]\nseries = {{ feed = \"china-magnets\", measure = \
        \"weight\", partner = \"US\", reporter = \"CN\", hs = \"85051110\", flow = \"export\" }}\nwhen = \"value > 400 t\"\n\
        severity = \"warning\"\nnotify = \"desk\"\n\n{DESK}"
    ));
    let dry_run = |file: &str| {
        sandbox.run(&["dry-run", "--config", "config/own.toml", "--feed", &format!("china-magnets={file}")])
    };
    dry_run("magnets.csv").is(0).says(&["420 500 kg"]);
    // The name says more than the feed, also of a file that stands in for the folder.
    sandbox.write("import_magnets.csv", table(&FALLING));
    dry_run("import_magnets.csv").says_nothing_of(&["420 500 kg"]);
}

//! History from files: large ones, packed ones, and those that cannot stand.

use std::fmt::Write as _;
use std::io::Write as _;

use super::publisher::gzip;
use super::sandbox::Sandbox;
use super::scene::{DESK, MAGNETS, figures, file_feed, magnets, once};

#[test]
fn history_is_brought_from_files_and_rules_see_it() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.write("old.csv", "period,partner,tonnes\n2025-05,US,700\n2025-06,US,650\n");
    sandbox.write("more.csv.gz", gzip(b"period,partner,tonnes\n2025-07,US,619\n2025-08,US,590\n"));
    let imported = sandbox.run(&["import", "magnets", "old.csv", "more.csv.gz"]);
    imported.is(0).says(&["feed magnets: 4 new, 0 revised, 0 unchanged", "with the next `supplywatch run`"]);
    sandbox.run(&["import", "magnets", "old.csv"]).is(0).says(&["0 new, 0 revised, 2 unchanged"]);
    once(&sandbox, 0).says(&["1 new, 0 revised, 2 unchanged", "420.5 t"]);
    assert_eq!(
        figures(&sandbox, "magnets-falling").first().map(|(period, _)| period.clone()),
        Some("2025-05".to_owned())
    );
    let shown = sandbox.json(&["feeds", "show", "magnets"]);
    assert_eq!(shown[0]["pulls"][2]["url"], "old.csv, more.csv.gz");
}

/// More than one piece, each of which begins with the same header; the lines of refused rows are the file's.
#[test]
fn a_large_file_is_read_piece_by_piece() {
    let mut text = String::from("period,partner,tonnes\n");
    for series in 0..40_000 {
        for month in 1..=12 {
            writeln!(text, "2024-{month:02},X{series},{}.25", series + month).unwrap();
        }
    }
    let rows = 480_000;
    text.push_str("2024-13,US,1\n");
    let sandbox = Sandbox::with_config(&format!("{}{DESK}", file_feed("magnets")));
    sandbox.write("large.csv", &text);
    let imported = sandbox.json(&["import", "magnets", "large.csv"]);
    assert_eq!((imported[0]["new"].as_u64(), imported[0]["refused"].as_u64()), (Some(rows), Some(1)));
    let refused = imported[0]["refusals"][0].as_str().unwrap();
    assert!(refused.starts_with("row 480002, column `period`"), "{refused}");
    assert_eq!(imported[0]["bytes"].as_u64(), Some(text.len() as u64));
    assert_eq!(sandbox.json(&["feeds"])[0]["series"], 40_000);
}

#[test]
fn an_archive_has_several_files() {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, month) in [("a/2024.csv", "2024-12"), ("2025.csv", "2025-01")] {
        archive.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        write!(archive, "period,partner,tonnes\n{month},US,1\n").unwrap();
    }
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    sandbox.write("all.zip", archive.finish().unwrap().into_inner());
    sandbox.run(&["import", "magnets", "all.zip"]).is(0).says(&["2 new"]);
}

#[test]
fn what_cannot_stand_stores_nothing_and_says_which_file() {
    let sandbox = magnets(&[("desk", DESK.to_owned())]);
    let refused = |name: &str, bytes: &[u8], reason: &str| {
        sandbox.write("good.csv", "period,partner,tonnes\n2025-05,US,700\n");
        sandbox.write(name, bytes);
        sandbox.run(&["import", "magnets", "good.csv", name]).is(1).says(&[name, reason, "nothing was stored"]);
    };
    refused("page.csv", b"<html><title>Sorry</title></html>", "web page titled \"Sorry\"");
    refused("other.csv", b"period,partner,kilos\n2025-05,US,1\n", "no column `tonnes`");
    refused("empty.csv", b"", "empty");
    refused("cut.csv.gz", &gzip(MAGNETS.as_bytes())[..30], "cannot be read");
    refused("cut.zip", b"PK\x03\x04 and no more", "the archive cannot be read");
    sandbox.write("bad.csv", "period,partner,tonnes\n2025-13,US,1\nx,US,1\n");
    sandbox.run(&["import", "magnets", "bad.csv"]).is(1).says(&["2 rows of 2 refused", "nothing was stored"]);
    sandbox.run(&["import", "magnets", "absent.csv"]).is(1).says(&["absent.csv: there is no such file"]);
    sandbox.run(&["import", "magnets", "config"]).is(1).says(&["config: expected a file, found a directory"]);
    sandbox.run(&["import", "magnet", "good.csv"]).is(2).says(&["did you mean `magnets`?"]);
    sandbox.run(&["import", "magnets"]).is(2);
    assert_eq!(sandbox.json(&["feeds"])[0]["series"], 0);
    let mut daemon = sandbox.daemon();
    daemon.wait("READY=1");
    sandbox.run(&["import", "magnets", "good.csv"]).is(70).says(&["another supplywatch", "has the store"]);
    daemon.stop().is(0);
}

/// What a customs office's file is of is told by its name, as in the folder that the feed watches.
#[test]
fn a_file_that_its_name_explains_is_read_by_it() {
    let sandbox = Sandbox::with_config(&format!(
        "[feed.magnets]\nkind = \"gacc\"\npath = \"gacc\"\ncommodity = [\"85051110\"]\n\n{DESK}"
    ));
    let text = "Commodity code,Trading partner code,Quantity,Unit,US dollar\n85051110,502,420500,Kilogram,1000\n";
    sandbox.write("gacc_export_2025-09.csv", text);
    sandbox.run(&["import", "magnets", "gacc_export_2025-09.csv"]).is(0).says(&["2 new"]);
    assert_eq!(sandbox.json(&["feeds"])[0]["latest"], "2025-09");
    sandbox.write("unknown.csv", text);
    sandbox.run(&["import", "magnets", "unknown.csv"]).is(1).says(&["unknown.csv", "nothing was stored"]);
}

/// A series keeps its unit from one piece to the next, whatever a later row states.
#[test]
fn pieces_of_one_series_have_one_unit() {
    let sandbox = Sandbox::with_config(&format!(
        "[feed.magnets]\nkind = \"csv\"\npath = \"none.csv\"\nfrequency = \"month\"\n\
        columns = {{ unit = \"unit\" }}\n\n{DESK}"
    ));
    sandbox.write("a.csv", "period,value,unit\n2025-08,590,t\n");
    sandbox.write("b.csv", "period,value,unit\n2025-09,420500,kg\n");
    sandbox.run(&["import", "magnets", "a.csv", "b.csv"]).is(0).says(&["2 new"]);
    let again = sandbox.run(&["import", "magnets", "a.csv", "b.csv"]);
    again.is(0).says(&["0 new, 0 revised, 2 unchanged"]);
}

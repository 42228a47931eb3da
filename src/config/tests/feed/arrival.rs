//! What is written of a feed arrives.

use super::*;

#[test]
fn every_option_of_a_csv_feed_arrives() {
    let more = "
        schedule = '0 9 20 * *'
        timezone = 'Asia/Shanghai'
        unit = 't'
        labels = { reporter = 'CHN', hs = 85051110 }
        columns = { period = 'Monat', value = 'Menge', unit = 'ME', status = 'St', published = 'am', labels = { partner = 'Partner Code' } }
        delimiter = ';'
        decimal = ','
        thousands = '.'
        encoding = 'latin-1'
        skip_lines = 3
        max_refused = '2.5%'
        period_format = '%m.%Y'
        title = 'magnet exports'
        absent = 'zero'
        max_bytes = '1 MiB'
    ";
    let feed = Sandbox::new(&format!("{FEED}{more}")).setup().feeds.remove(0);
    let tick = feed.schedule.as_ref().unwrap().after(Timestamp::from_millis(0)).unwrap();
    assert_eq!(tick.to_string(), "1970-01-20T01:00:00Z");
    assert_eq!((feed.zone, feed.unit.as_ref().unwrap().to_string()), (chrono_tz::Asia::Shanghai, "t".to_owned()));
    assert_eq!((feed.max_refused, feed.absent_zero, feed.max_bytes), (MaxRefused::Share(0.025), true, 1 << 20));
    // What became of the layout is seen in what it reads.
    let file = "Statistik\n\nStand\nMonat;Menge;ME;St;am;Partner Code\n09.2025;1.420,5;kg;p;2025-10-20;USA\n";
    insta::assert_snapshot!(observations(&feed, file), @r#"{feed="f", hs="85051110", partner="US", reporter="CN"} 2025-09 1420.5 kg Preliminary 2025-10-19T16:00:00Z"#);
}

#[test]
fn labels_are_named_by_their_columns() {
    let config = format!("{FEED}columns = {{ labels = ['partner', 'grade'] }}");
    let feed = Sandbox::new(&config).setup().feeds.remove(0);
    insta::assert_snapshot!(observations(&feed, "grade,partner,value,period\nN52,US,1.5,2025-09\n"), @r#"{feed="f", grade="N52", partner="US"} 2025-09 1.5 Final"#);
}

#[test]
fn a_wide_table_has_a_column_per_period() {
    let config = format!("{FEED}wide = true\ndelimiter = 'tab'\ncolumns = {{ labels = ['partner'] }}");
    let feed = Sandbox::new(&config).setup().feeds.remove(0);
    insta::assert_snapshot!(observations(&feed, "partner\t2025-08\t2025-09\nUS\t1\t2\n"), @r#"
    {feed="f", partner="US"} 2025-08 1 Final
    {feed="f", partner="US"} 2025-09 2 Final
    "#);
}

#[test]
fn every_option_of_a_json_feed_arrives() {
    let config = "
        [feed.f]
        kind = 'json'
        path = 'f.json'
        frequency = 'quarter'
        records = '/data/rows'
        columns = { period = '/when', value = '/figures/0', unit = '/u', labels = ['/geo/partner'] }
    ";
    let feed = Sandbox::new(config).setup().feeds.remove(0);
    let text = r#"{"data": {"rows": [{"when": "2025-Q3", "figures": [7], "u": "t", "geo": {"partner": "DE"}}]}}"#;
    insta::assert_snapshot!(observations(&feed, text), @r#"{feed="f", partner="DE"} 2025-Q3 7 t Final"#);
    let plain = "[feed.f]\nkind = 'json'\npath = 'f.json'\nfrequency = 'year'";
    let feed = Sandbox::new(plain).setup().feeds.remove(0);
    insta::assert_snapshot!(observations(&feed, r#"[{"period": 2025, "value": 1}]"#), @r#"{feed="f"} 2025 1 Final"#);
}

#[test]
fn what_is_not_written_has_its_default() {
    let feed = Sandbox::new(FEED).setup().feeds.remove(0);
    assert!(feed.schedule.is_none() && feed.unit.is_none() && !feed.absent_zero);
    assert_eq!((feed.max_refused, feed.max_gap_days, feed.max_bytes), (MaxRefused::DEFAULT, 7, 32 << 20));
    assert_eq!(feed.zone, chrono_tz::UTC);
}

#[test]
fn an_address_takes_headers_from_anywhere() {
    let sandbox = Sandbox::new(
        "[feed.f]\nkind = 'json'\nfrequency = 'day'\nurl = { env = 'URL' }\nmax_gap = '2w'\n[feed.f.headers]\nAuthorization = { env = 'TOKEN' }\nAccept = 'application/json'\n",
    )
    .variable("URL", "https://h.example/a?key=k")
    .variable("TOKEN", "Bearer t");
    let feed = sandbox.setup().feeds.remove(0);
    assert_eq!(feed.max_gap_days, 14);
    let Target::Http { url, headers, insecure, allow_private } = feed.requests(&standing()).remove(0).target else {
        panic!()
    };
    assert_eq!((url.as_str(), insecure, allow_private), ("https://h.example/a?key=k", false, false));
    let told: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {}", value.expose())).collect();
    assert_eq!(told, ["Authorization: Bearer t", "Accept: application/json"]);
}

/// Validators of an answer that was read otherwise are of no use.
#[test]
fn the_hash_changes_with_the_meaning() {
    // Not a path in the sandbox, whose name is another each time.
    let feed = FEED.replace("f.csv", "/srv/f.csv");
    let hash = |more: &str| Sandbox::new(&format!("{feed}{more}")).setup().feeds.remove(0).spec_hash;
    let plain = hash("");
    assert_eq!(hash("title = 'x'\nschedule = '@daily'\nstrict = true"), plain);
    for more in [
        "unit = 't'",
        "labels = { hs = '1' }",
        "columns = { value = 'v' }",
        "decimal = ','",
        "thousands = ','",
        "skip_lines = 1",
        "encoding = 'gb18030'",
        "delimiter = ';'",
        "timezone = 'Asia/Tokyo'",
        "period_format = '%Y-%m'",
        "absent = 'zero'",
        "wide = true",
    ] {
        assert_ne!(hash(more), plain, "{more}");
    }
    let header = |value: &str| {
        let config = format!(
            "[feed.f]\nkind = 'csv'\nfrequency = 'month'\nurl = 'https://h.example/'\nheaders = {{ X = '{value}' }}"
        );
        Sandbox::new(&config).setup().feeds.remove(0).spec_hash
    };
    assert_ne!(header("a"), header("b"));
}

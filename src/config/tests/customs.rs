//! Feeds of customs offices: China's, Korea's, Japan's.

use super::{Sandbox, check};

#[test]
fn a_folder_of_chinese_customs_has_its_calendar_unless_the_config_has_one() {
    let release = |more: &str| {
        let setup = Sandbox::new(&format!("[feed.f]\nkind = 'gacc'\npath = 'drop'\n{more}")).setup();
        let release = setup.feeds[0].release.clone().unwrap();
        (release.day, release.skip, release.zone.to_string())
    };
    assert_eq!(release(""), (Some(20), vec![2], "Asia/Shanghai".to_owned()));
    assert_eq!(release("release = { day = 18, after = '1mo' }"), (Some(18), Vec::new(), "UTC".to_owned()));
}

#[test]
fn what_chinese_customs_lack_is_told() {
    insta::assert_snapshot!(check(
        "[feed.f]\nkind = 'gacc'\nurl = 'https://stats.example/'\nflow = ['import', 'export']\nfrequency = 'year'"
    ), @r#"
    error: [feed.f] needs `path`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `path`
      |
      = help: write path = "FOLDER": the folder into which the files are put

    error: `url` has no meaning for kind `gacc`
     --> supplywatch.toml:3:7
      |
    3 | url = "<secret>"
      |       ^^^^^^^^^^ not for this kind
      |
      = help: Chinese customs let no program ask them: download the files, and write path = "FOLDER"

    error: `flow` is one direction for kind `gacc`
     --> supplywatch.toml:4:8
      |
    4 | flow = ['import', 'export']
      |        ^^^^^^^^^^^^^^^^^^^^ expected one
      |
      = help: write the direction of the files that do not say theirs, or take it away

    error: Chinese customs has no figures by year
     --> supplywatch.toml:5:13
      |
    5 | frequency = 'year'
      |             ^^^^^^ expected `month`
      |
      = help: write frequency = "month"

    4 errors
    "#);
}

#[test]
fn goods_and_partners_of_chinese_customs_are_codes() {
    insta::assert_snapshot!(check(
        "[feed.f]\nkind = 'gacc'\npath = 'drop'\ncommodity = ['850511x']\npartner = ['Atlantis']\nmeasure = []\nabsent = 'zero'"
    ), @r#"
    error: `commodity` cannot be `850511x`
     --> supplywatch.toml:4:14
      |
    4 | commodity = ['850511x']
      |              ^^^^^^^^^ expected 2, 4, 6, 8 or 10 digits
      |
      = help: write "85051110"

    error: `partner` cannot be `Atlantis`
     --> supplywatch.toml:5:12
      |
    5 | partner = ['Atlantis']
      |            ^^^^^^^^^^ not a code
      |
      = help: write an ISO code such as "US", or the customs' own where a partner has none of ISO's

    error: `measure` is empty
     --> supplywatch.toml:6:11
      |
    6 | measure = []
      |           ^^ names nothing
      |
      = help: take it away, or name something

    error: `absent` has no meaning for kind `gacc`
     --> supplywatch.toml:7:1
      |
    7 | absent = 'zero'
      | ^^^^^^ not for this kind
      |
      = help: `absent` belongs to kind `csv`, `json`, `xlsx`, `sdmx`, `jsonstat`, `eurostat`, `comtrade` and `census`

    4 errors
    "#);
}

#[test]
fn what_koreas_customs_lack_is_told() {
    insta::assert_snapshot!(check(
        "[feed.f]\nkind = 'korea'\ncommodity = ['85051']\npartner = ['World']\nmeasure = ['quantity']\nsince = '2025'\npath = 'x'"
    ), @r#"
    error: [feed.f] needs `key`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `key`
      |
      = help: write key = { env = "…" }; a key is free at data.go.kr, for 관세청 품목별 국가별 수출입실적

    error: [feed.f] needs `flow`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `flow`
      |
      = help: write flow = "import", "export", or both in a list

    error: `commodity` cannot be `85051`
     --> supplywatch.toml:3:14
      |
    3 | commodity = ['85051']
      |              ^^^^^^^ expected 2, 4, 6 or 10 digits
      |
      = help: write "850511"

    error: `partner` cannot be `World`
     --> supplywatch.toml:4:12
      |
    4 | partner = ['World']
      |            ^^^^^^^ not a code
      |
      = help: write an ISO code such as "CN"; left out, every country is asked for

    error: `measure` cannot be `quantity`
     --> supplywatch.toml:5:12
      |
    5 | measure = ['quantity']
      |            ^^^^^^^^^^ expected `value` or `weight`

    error: `since` cannot be `2025`
     --> supplywatch.toml:6:9
      |
    6 | since = '2025'
      |         ^^^^^^ `2025` is a year: expected a month, like 2025-09
      |
      = help: write a period of the feed's frequency

    error: `path` has no meaning for kind `korea`
     --> supplywatch.toml:7:1
      |
    7 | path = 'x'
      | ^^^^ not for this kind
      |
      = help: `path` belongs to kind `csv`, `json`, `xlsx`, `sdmx`, `jsonstat`, `gacc`, `japan`, `worldbank` and `feed`

    7 errors
    "#);
}

#[test]
fn what_japans_customs_lack_is_told() {
    insta::assert_snapshot!(check(
        "[feed.f]\nkind = 'japan'\npartner = ['CN', 'World']\nflow = ['both']\nfrequency = 'day'\nkey = 'x'"
    ), @r#"
    error: [feed.f] needs `path` or `url`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ neither `path` nor `url`
      |
      = help: write path = "FILE" or url = "https://…"

    error: [feed.f] needs `commodity`
     --> supplywatch.toml:1:7
      |
    1 | [feed.f]
      |       ^ no `commodity`
      |
      = help: write commodity = ["850511"]: codes of nine digits, or what they begin with

    error: `partner` has countries and groups of countries
     --> supplywatch.toml:3:11
      |
    3 | partner = ['CN', 'World']
      |           ^^^^^^^^^^^^^^^ countries and groups
      |
      = help: the sum over both counts all twice: make a feed for each

    error: `flow` cannot be `both`
     --> supplywatch.toml:4:9
      |
    4 | flow = ['both']
      |         ^^^^^^ expected `import` or `export`

    error: Japan's customs has no figures by day
     --> supplywatch.toml:5:13
      |
    5 | frequency = 'day'
      |             ^^^^^ expected `month`
      |
      = help: write frequency = "month"

    error: `key` has no meaning for kind `japan`
     --> supplywatch.toml:6:1
      |
    6 | key = "<secret>"
      | ^^^ not for this kind
      |
      = help: `key` belongs to kind `fred`, `comtrade`, `census` and `korea`

    6 errors
    "#);
    insta::assert_snapshot!(check("[feed.f]\nkind = 'japan'\npath = 'drop'\ncommodity = ['85051110']"), @r#"
    error: `commodity` cannot be `85051110`
     --> supplywatch.toml:4:14
      |
    4 | commodity = ['85051110']
      |              ^^^^^^^^^^ expected 2, 4, 6 or 9 digits
      |
      = help: write "850511"

    1 error
    "#);
}

/// Three digits are an office's own code, even where ISO has the number for another country.
#[test]
fn partners_by_an_offices_own_code() {
    for (kind, own) in [("gacc", "502"), ("japan", "304")] {
        let setup = Sandbox::new(&format!(
            "[feed.f]\nkind = '{kind}'\npath = 'drop'\ncommodity = ['850511']\npartner = ['{own}', '702', 'DEU']"
        ));
        let shown = format!("{:?}", setup.setup().feeds[0].publisher);
        assert!(shown.contains("partners: [\"US\", \"702\", \"DE\"]"), "{shown}");
    }
}

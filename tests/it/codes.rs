//! `codes`: goods in every nomenclature and countries in every office's writing, and a word of warning where six
//! digits are taken for one good.

use super::sandbox::Sandbox;

#[test]
fn goods_are_found_in_every_nomenclature_with_their_sources() {
    let sandbox = Sandbox::with_config("");
    let found = sandbox.run(&["codes", "search", "rare", "earth", "magnets"]);
    found.is(0).says(&[
        "HS    850511",
        "CN    85051110",
        "HTS   8505110070",
        "GACC  85051110    kg",
        "sintered neodymium-iron-boron",
        "HTS: US International Trade Commission",
    ]);
    found.says_nothing_of(&["850519"]);
    sandbox.run(&["codes", "search", "7110.21"]).is(0).says(&["CN   71102100    g", "palladium"]);
    let lines = sandbox.json(&["codes", "search", "8112921000"]);
    assert_eq!((lines.len(), &lines[0]["nomenclature"], &lines[0]["unit"]), (1, &"HTS".into(), &"kg".into()));
    assert!(lines[0]["source"].as_str().unwrap().contains("Harmonized Tariff Schedule"));
}

#[test]
fn countries_are_found_by_name_and_by_any_code() {
    let sandbox = Sandbox::with_config("");
    for name in ["taiwan", "TWN", "490", "5830", "Taiwan"] {
        sandbox.run(&["codes", "country", name]).is(0).says(&["TW   Taiwan   490       5830    TW"]);
    }
    let koreas = sandbox.json(&["codes", "country", "korea"]);
    assert_eq!(koreas.len(), 2);
    assert_eq!(koreas[1]["codes"]["census"], "5800");
    let greece = sandbox.json(&["codes", "country", "EL"]);
    assert_eq!((&greece[0]["iso"], &greece[0]["codes"]["eurostat"]), (&"GR".into(), &"EL".into()));
}

#[test]
fn what_is_not_found_is_said_and_no_success() {
    let sandbox = Sandbox::with_config("");
    sandbox
        .run(&["codes", "search", "unobtainium"])
        .is(1)
        .says(&["error: no code for `unobtainium`", "try fewer words"]);
    sandbox.run(&["codes", "country", "Atlantis"]).is(1).says(&["error: no country `Atlantis`"]);
    sandbox.run(&["codes", "search"]).is(2).says(&["WORDS"]);
    sandbox.run(&["codes", "--help"]).is(0).says(&["CN 85051110 those with rare earths", "codes country 5700"]);
}

#[test]
fn check_warns_where_six_digits_are_several_goods() {
    let feed = |more: &str| {
        Sandbox::with_config(&format!("[feed.f]\nkind = \"eurostat\"\nreporter = \"DE\"\nflow = \"import\"\n{more}\n"))
    };
    let warned = feed("commodity = [\"8505.11\", \"811292\"]").run(&["check"]);
    warned.is(0).says(&[
        "HS 850511 is every permanent magnet of metal, not only those with rare earths",
        "CN 85051110, CN 85051190",
        "HTS 8505110070",
        "supplywatch codes search 850511",
        "HS 811292 is gallium, germanium, indium, niobium and vanadium together",
        "CN 81129289",
    ]);
    feed("commodity = \"85051110\"").run(&["check"]).is(0).says_nothing_of(&["HS 850511"]);
    let labelled = Sandbox::with_config(
        "[feed.f]\nkind = \"csv\"\npath = \"f.csv\"\nfrequency = \"month\"\nlabels = { hs = \"850511\" }\n\
        columns = { period = \"p\", value = \"v\" }\n",
    );
    labelled.run(&["check"]).is(0).says(&["HS 850511 is every permanent magnet of metal"]);
}

//! The packages have what the project has, and say the same as the program: what goes into them is read from the
//! manifest, and man pages and completions are made as `packaging/run` makes them.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use super::markdown::{code, page};
use super::sandbox::{PROJECT, Sandbox};
use super::shipped::verbs;
use super::source::files;

/// One entry of a package: from where in the project, to where on the machine.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Asset {
    source: String,
    to: String,
}

/// The project's manifest.
fn manifest() -> toml::Table {
    page("Cargo.toml").parse().unwrap()
}

fn text(value: &toml::Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// What goes into the .deb.
fn deb() -> Vec<Asset> {
    let assets = manifest()["package"]["metadata"]["deb"]["assets"].as_array().unwrap().clone();
    assets.iter().map(|asset| Asset { source: text(&asset[0]), to: format!("/{}", text(&asset[1])) }).collect()
}

/// What goes into the .rpm.
fn rpm() -> Vec<Asset> {
    let assets = manifest()["package"]["metadata"]["generate-rpm"]["assets"].as_array().unwrap().clone();
    assets.iter().map(|asset| Asset { source: text(&asset["source"]), to: text(&asset["dest"]) }).collect()
}

/// The files that an entry means, below the project's directory.
fn meant(source: &str) -> Vec<String> {
    let root = Path::new(PROJECT);
    let found = glob::glob(root.join(source).to_str().unwrap()).unwrap().map(Result::unwrap);
    found.map(|path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect()
}

#[test]
fn what_is_packaged_is_there_or_is_made() {
    let run = page("packaging/run");
    for asset in deb().iter().chain(&rpm()) {
        let there = match asset.source.strip_prefix("target/packaging/") {
            Some(made) => run.contains(&format!("$made/{}", made.trim_end_matches("/*").trim_end_matches(".gz"))),
            None => asset.source == "target/release/supplywatch" || !meant(&asset.source).is_empty(),
        };
        assert!(there, "{asset:?}");
    }
}

#[test]
fn whatever_is_shipped_is_packaged() {
    let shipped = ["config", "systemd", "docs"].into_iter().flat_map(|folder| files(&Path::new(PROJECT).join(folder)));
    let shipped: BTreeSet<String> = shipped
        .map(|path| path.strip_prefix(PROJECT).unwrap().to_str().unwrap().to_owned())
        .chain(["README.md".to_owned()])
        .collect();
    assert!(shipped.len() > 50, "{shipped:?}");
    for assets in [deb(), rpm()] {
        let packaged: BTreeSet<String> = assets.iter().flat_map(|asset| meant(&asset.source)).collect();
        let missing: Vec<&String> = shipped.difference(&packaged).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }
}

/// But for what each of the two families has in a place of its own.
#[test]
fn both_packages_are_one() {
    let own = |asset: &Asset| ["packaging/debian/", "LICENSE"].iter().any(|own| asset.source.starts_with(own));
    let common = |assets: Vec<Asset>| {
        let zsh = |to: String| to.replace("/vendor-completions/", "/site-functions/");
        let common = assets.into_iter().filter(|asset| !own(asset));
        common.map(|asset| Asset { to: zsh(asset.to), ..asset }).collect::<BTreeSet<Asset>>()
    };
    assert_eq!(common(deb()), common(rpm()));
}

#[test]
fn what_an_operator_edits_is_config() {
    let assets = &manifest()["package"]["metadata"]["generate-rpm"]["assets"];
    for asset in assets.as_array().unwrap() {
        let kept = asset.get("config").map(text) == Some("noreplace".to_owned());
        // dpkg takes all that is below /etc for config.
        assert_eq!(kept, text(&asset["dest"]).starts_with("/etc/"), "{asset}");
    }
}

#[test]
fn the_packages_have_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    let changelog = page("packaging/debian/changelog");
    assert!(changelog.starts_with(&format!("supplywatch ({version}-1) ")), "{changelog}");
    let install = page("docs/INSTALL.md");
    for name in [
        format!("supplywatch_{version}-1_amd64.deb"),
        format!("supplywatch-{version}-1.x86_64.rpm"),
        format!("supplywatch-{version}-x86_64-unknown-linux-gnu.tar.gz"),
        format!("supplywatch-{version}.cdx.json"),
    ] {
        assert!(install.contains(&name), "docs/INSTALL.md does not name {name}");
    }
}

#[test]
fn the_page_about_installing_names_places_that_the_packages_have() {
    let assets = [deb(), rpm()].concat();
    let places = code(&page("docs/INSTALL.md"));
    let places: Vec<&String> =
        places.iter().filter(|place| place.starts_with("/usr/") && !place.contains(['…', ' '])).collect();
    assert!(places.len() > 8, "{places:?}");
    for place in places.into_iter().filter(|place| !place.starts_with("/usr/local/")) {
        assert!(assets.iter().any(|asset| asset.to.starts_with(place.as_str())), "no package has {place}");
    }
}

#[test]
fn the_scripts_are_scripts() {
    let scripts = ["debian/postinst", "debian/prerm", "debian/postrm", "rpm/post", "rpm/preun", "rpm/postun"];
    let checked = |shell: &str, script: &str| {
        let path = Path::new(PROJECT).join("packaging").join(script);
        let read = Command::new(shell).arg("-n").arg(&path).output().unwrap();
        assert!(read.status.success(), "{script}: {}", String::from_utf8_lossy(&read.stderr));
    };
    scripts.iter().for_each(|script| checked("sh", script));
    ["run", "reproduce"].iter().for_each(|script| checked("bash", script));
}

#[test]
fn completions_know_every_verb() {
    let sandbox = Sandbox::new();
    let verbs = verbs(&sandbox.stdout(&["--help"]));
    assert!(verbs.len() > 15, "{verbs:?}");
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = sandbox.stdout(&["completions", shell]);
        let missing: Vec<&String> = verbs.iter().filter(|verb| !completions.contains(verb.as_str())).collect();
        assert!(missing.is_empty(), "{shell}: {missing:?}");
    }
    let json = sandbox.json(&["completions", "bash"]);
    assert_eq!(json[0]["completions"], sandbox.stdout(&["completions", "bash"]));
    sandbox.run(&["completions", "tcsh"]).is(2);
}

/// What bash offers for a line whose last word is begun.
fn offered(sandbox: &Sandbox, line: &[&str]) -> Vec<String> {
    sandbox.write("completions", sandbox.stdout(&["completions", "bash"]));
    let (program, last) = (line[0], line.len() - 1);
    let words = line.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ");
    let script = format!(
        ". ./completions; COMP_WORDS=({words}); COMP_CWORD={last}; \
         _{program} {program} '{}' '{}'; printf '%s\\n' \"${{COMPREPLY[@]}}\"",
        line[last],
        line[last - 1],
    );
    let bash = Command::new("bash").args(["-ec", &script]).current_dir(sandbox.path(".")).output().unwrap();
    assert!(bash.status.success(), "{}", String::from_utf8_lossy(&bash.stderr));
    String::from_utf8(bash.stdout).unwrap().lines().map(ToOwned::to_owned).collect()
}

#[test]
fn bash_completes_a_verb_and_an_option() {
    let sandbox = Sandbox::new();
    assert_eq!(offered(&sandbox, &["supplywatch", "back"]), ["backtest"]);
    assert_eq!(offered(&sandbox, &["supplywatch", "feeds", "pro"]), ["probe"]);
    assert_eq!(offered(&sandbox, &["supplywatch", "run", "--onc"]), ["--once"]);
    assert_eq!(offered(&sandbox, &["supplywatch", "alerts", "--format", "js"]), ["json"]);
}

/// The names of a verb's page and of those below it.
fn titles(sandbox: &Sandbox, path: &[&str]) -> Vec<String> {
    let below = verbs(&sandbox.stdout(&[path, &["--help"]].concat()));
    let below = below.iter().filter(|verb| *verb != "help");
    let own = [&["supplywatch"], path].concat().join("-");
    [own].into_iter().chain(below.flat_map(|verb| titles(sandbox, &[path, &[verb]].concat()))).collect()
}

#[test]
fn every_verb_has_its_man_page() {
    let sandbox = Sandbox::new();
    let said = sandbox.stdout(&["man", "pages"]);
    let named: BTreeSet<String> = said.lines().map(|line| line.trim_start_matches("pages/").to_owned()).collect();
    let titles = titles(&sandbox, &[]);
    assert_eq!(named, titles.iter().map(|title| format!("{title}.8")).collect());
    for title in titles {
        let text = sandbox.read(&format!("pages/{title}.8"));
        assert!(text.contains("\n.SH NAME\n") && text.contains("\n.SH \"SEE ALSO\"\n"), "{title}: {text}");
    }
}

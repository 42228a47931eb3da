//! Included files.

use super::{FEED, Sandbox};

#[test]
fn included_files_bring_feeds_rules_and_receivers() {
    let sandbox = Sandbox::new("[daemon]\ninclude = ['rules/*.toml', 'more.toml']")
        .with("rules/b.toml", "[feed.b]\nkind = 'csv'\npath = 'b.csv'\nfrequency = 'month'\n")
        .with("rules/a.toml", "[rule.a]\nseries = { feed = 'b' }\nwhen = 'declines >= 2'\nnotify = 'desk'\n")
        .with("rules/readme.txt", "not this one")
        .with("more.toml", "[receiver.desk]\nkind = 'console'\n");
    let setup = sandbox.setup();
    assert_eq!(setup.feeds[0].name, "b");
    assert_eq!(setup.rules[0].notify.as_deref(), Some(&["desk".to_owned()][..]));
    assert_eq!(setup.receivers[0].name, "desk");
    // A path is relative to the file that names it.
    let crate::feed::Target::File(path) =
        &setup.feeds[0].requests(&crate::feed::Standing::new(crate::base::clock::Timestamp::from_millis(0)))[0].target
    else {
        panic!("expected a file")
    };
    assert_eq!(*path, sandbox.path("rules/b.csv"));
}

#[test]
fn a_file_is_read_once_and_the_config_never_includes_itself() {
    let sandbox = Sandbox::new(&format!("{FEED}[daemon]\ninclude = ['*.toml', 'a.toml', './a.toml']"))
        .with("a.toml", "[feed.a]\nkind = 'csv'\npath = 'a.csv'\nfrequency = 'month'\n");
    assert_eq!(sandbox.setup().feeds.len(), 2);
}

#[test]
fn what_cannot_be_included_is_told() {
    let sandbox = Sandbox::new("[daemon]\ninclude = ['rules/*.toml', 'none.toml', 'a[', 'sub']").with("sub/x", "");
    insta::assert_snapshot!(sandbox.told(), @r#"
    warning: no file matches `rules/*.toml`
     --> supplywatch.toml:2:12
      |
    2 | include = ['rules/*.toml', 'none.toml', 'a[', 'sub']
      |            ^^^^^^^^^^^^^^ nothing included
      |
      = help: patterns are relative to the directory of the file that has them

    error: `none.toml` cannot be read: No such file or directory (os error 2)
     --> supplywatch.toml:2:28
      |
    2 | include = ['rules/*.toml', 'none.toml', 'a[', 'sub']
      |                            ^^^^^^^^^^^ included here

    error: `include` cannot be followed: Pattern syntax error near position 17: invalid range pattern
     --> supplywatch.toml:2:41
      |
    2 | include = ['rules/*.toml', 'none.toml', 'a[', 'sub']
      |                                         ^^^^ cannot be followed

    error: `sub` cannot be read: it is a directory
     --> supplywatch.toml:2:47
      |
    2 | include = ['rules/*.toml', 'none.toml', 'a[', 'sub']
      |                                               ^^^^^ included here

    3 errors, 1 warning
    "#);
}

#[test]
fn a_name_that_is_there_twice_is_told_with_both_places() {
    let sandbox = Sandbox::new(&format!("daemon.include = 'more.toml'\n{FEED}")).with("more.toml", FEED);
    insta::assert_snapshot!(sandbox.told(), @r#"
    error: [feed.f] is there twice
     --> more.toml:1:7
      |
    1 | [feed.f]
      |       ^ again
      |
     ::: supplywatch.toml:2:7
      |
    2 | [feed.f]
      |       - first
      |
      = help: give one of them another name

    1 error
    "#);
}

#[test]
fn only_the_main_config_has_the_daemon() {
    let sandbox =
        Sandbox::new(&format!("daemon.include = 'more.toml'\n{FEED}")).with("more.toml", "[daemon]\ntimezone = 'UTC'");
    insta::assert_snapshot!(sandbox.told(), @r#"
    error: [daemon] stands in an included file
     --> more.toml:1:2
      |
    1 | [daemon]
      |  ^^^^^^ not here
      |
      = help: only the main config may have [daemon]; move it there

    1 error
    "#);
}

#[test]
fn a_table_that_is_there_twice_in_one_file_is_told() {
    insta::assert_snapshot!(super::check(&format!("{FEED}\n{FEED}")), @r#"
    error: [feed.f] is there twice
     --> supplywatch.toml:6:7
      |
    1 | [feed.f]
      |  ------ first
    ...
    6 | [feed.f]
      |       ^ again
      |
      = help: give one of them another name, or make them one

    1 error
    "#);
    insta::assert_snapshot!(super::check(&format!("{FEED}unit = 't'\nunit = 'kg'")), @r#"
    error: `unit` is there twice in its table
     --> supplywatch.toml:6:1
      |
    6 | unit = 'kg'
      | ^^^^ again

    1 error
    "#);
}

#[test]
fn line_ends_and_a_byte_order_mark_do_not_matter() {
    let text = format!("\u{feff}{FEED}frequncy = 1\n").replace('\n', "\r\n");
    insta::assert_snapshot!(super::check(&text), @r#"
    error: unknown key `frequncy` in [feed.f]
     --> supplywatch.toml:5:1
      |
    5 | frequncy = 1
      | ^^^^^^^^ unknown
      |
      = help: did you mean `frequency`?

    1 error
    "#);
}

#[test]
fn errors_of_syntax_in_several_files_are_told_at_once() {
    let sandbox =
        Sandbox::new("daemon.include = 'more.toml'\nx = = 1\n[feed.a]\nkind = csv\n").with("more.toml", "[feed.b\n");
    insta::assert_snapshot!(sandbox.told(), @r#"
    error: this is not TOML: extra `=`, expected nothing
     --> supplywatch.toml:2:5
      |
    2 | x = = 1
      |     ^ here

    error: this is not TOML: string values must be quoted, expected literal string
     --> supplywatch.toml:4:8
      |
    4 | kind = csv
      |        ^^^ here

    error: this is not TOML: unclosed table, expected `]`
     --> more.toml:1:8
      |
    1 | [feed.b
      |        ^ here

    3 errors
    "#);
}

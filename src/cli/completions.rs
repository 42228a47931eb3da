//! `completions`: what a shell needs to know to complete the verbs and options.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::Shell;
use serde_json::json;

use super::{Cli, Format, Session};

/// Write a shell's completions, from the command line as it is
#[derive(clap::Args, Debug)]
#[command(after_help = HELP)]
pub struct Args {
    /// The shell that is to complete
    shell: Shell,
}

const HELP: &str = "\
The packages install those of bash, zsh and fish. Without a package:
  supplywatch completions bash > ~/.local/share/bash-completion/completions/supplywatch
  supplywatch completions zsh > ~/.zfunc/_supplywatch   (a folder of $fpath)
  supplywatch completions fish > ~/.config/fish/completions/supplywatch.fish";

/// Runs the verb.
pub fn run(session: &Session, args: &Args) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "supplywatch", &mut script);
    match session.format {
        Format::Text => std::io::stdout().write_all(&script)?,
        Format::Json => session
            .line(&json!({ "shell": args.shell.to_string(), "completions": String::from_utf8_lossy(&script) }))?,
    }
    Ok(())
}

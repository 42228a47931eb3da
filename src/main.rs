//! The `supplywatch` binary: all of it is in the library.

fn main() -> std::process::ExitCode {
    supplywatch::main()
}

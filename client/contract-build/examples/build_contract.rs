//! Builds the contract in a folder: `build_contract <folder> <cache folder>`.

use std::path::Path;

use contract_build::{BuildOptions, build};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, cache] = &arguments[..] else {
        eprintln!("usage: build_contract <folder> <cache folder>");
        std::process::exit(2);
    };
    let options = BuildOptions::new(cache);
    match build(Path::new(folder), &options, &mut |line| println!("{line}")) {
        Ok(artifact) => println!("code hash 0x{}", hex::encode(artifact.code_hash)),
        Err(error) => {
            eprintln!("{error}");
            std::process::exit(1);
        }
    }
}

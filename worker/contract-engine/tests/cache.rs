//! Compiled code on a disk that belongs to somebody else.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use contract_engine::{CodeCacheConfig, CodeCacheKey, Engine, EngineConfig, limits};
use executor_api::Mode;
use primitives::ContractId;

use crate::world::{BOB, World, call, data, on_call};

fn engine(directory: &Path, key: u8) -> Engine {
    bounded(directory, key, u64::MAX)
}

fn bounded(directory: &Path, key: u8, bytes_max: u64) -> Engine {
    let key = CodeCacheKey::new([key; 32]);
    let mut cache = CodeCacheConfig::new(directory.into(), key);
    cache.bytes_max = bytes_max;
    let config = EngineConfig {
        executions_max: 4,
        code_cache: Some(cache),
    };
    Engine::new(&config).unwrap()
}

/// A guest that returns `number`.
fn returns(number: u8) -> String {
    on_call(&format!(
        "(i32.store8 (i32.const 8192) (i32.const {number}))
         (call $seal0_seal_return (i32.const 0) (i32.const 8192) (i32.const 1))"
    ))
}

fn ask(world: &World, contract: ContractId) -> Vec<u8> {
    data(&world.run(Mode::Query, BOB, &call(contract, &[])))
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// A world whose contract returns 1, and the one file of its compiled code.
fn one_file(directory: &Path) -> (World, ContractId, PathBuf) {
    let mut world = World::new();
    world.engine = engine(directory, 1);
    let contract = world.deploy(&returns(1));
    let [file] = &files(directory)[..] else {
        panic!("one file");
    };
    (world, contract, file.clone())
}

/// When `file` says it was used, moved into the past so that a new use shows.
fn age(file: &Path) -> SystemTime {
    let past = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let opened = fs::File::options().write(true).open(file).unwrap();
    opened.set_modified(past).unwrap();
    past
}

#[test]
fn a_restart_takes_what_was_compiled() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, contract, file) = one_file(folder.path());
    let written = fs::read(&file).unwrap();
    let past = age(&file);
    world.engine = engine(folder.path(), 1);
    assert_eq!(ask(&world, contract), [1]);
    assert_eq!(fs::read(&file).unwrap(), written);
    let used = fs::metadata(&file).unwrap().modified().unwrap();
    assert_ne!(used, past, "the file was used");
}

#[test]
fn what_is_not_exactly_ours_is_made_again() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, contract, file) = one_file(folder.path());
    let good = fs::read(&file).unwrap();

    // Code of another contract under this name, made by this worker.
    let other = tempfile::tempdir().unwrap();
    let mut elsewhere = World::new();
    elsewhere.engine = engine(other.path(), 1);
    elsewhere.deploy(&returns(2));
    let planted = fs::read(&files(other.path())[0]).unwrap();
    assert_ne!(planted, good);

    let flipped = |place: usize| {
        let mut bytes = good.clone();
        bytes[place] ^= 1;
        bytes
    };
    let damaged = [
        planted,
        flipped(0),
        flipped(8),
        flipped(40),
        flipped(good.len() / 2),
        flipped(good.len() - 1),
        good[..good.len() - 1].to_vec(),
        good[..39].to_vec(),
        [&good[..], &[0]].concat(),
        Vec::new(),
        vec![0; 100_000],
    ];
    for bytes in damaged {
        fs::write(&file, bytes).unwrap();
        world.engine = engine(folder.path(), 1);
        assert_eq!(ask(&world, contract), [1]);
        assert!(fs::read(&file).unwrap() == good, "it is written again");
    }
}

#[test]
fn code_of_another_worker_is_not_taken() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, contract, file) = one_file(folder.path());
    let theirs = fs::read(&file).unwrap();
    world.engine = engine(folder.path(), 2);
    assert_eq!(ask(&world, contract), [1]);
    let ours = fs::read(&file).unwrap();
    assert_eq!(theirs[40..], ours[40..], "the same machine code");
    assert_ne!(theirs[8..40], ours[8..40], "under another key");
}

#[test]
fn a_folder_in_place_of_a_file_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, contract, file) = one_file(folder.path());
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    world.engine = engine(folder.path(), 1);
    assert_eq!(ask(&world, contract), [1]);
    assert_eq!(files(folder.path()), [file], "nothing unfinished is left");
}

#[test]
fn engines_that_share_a_folder_write_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let (world, contract, file) = one_file(folder.path());
    let good = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut mine = World::new();
                mine.engine = engine(folder.path(), 1);
                mine.state.0.clone_from(&world.state.0);
                assert_eq!(ask(&mine, contract), [1]);
            });
        }
    });
    assert_eq!(files(folder.path()), [file.clone()]);
    assert!(fs::read(&file).unwrap() == good);
}

#[test]
fn the_least_recently_used_files_go_first() {
    let folder = tempfile::tempdir().unwrap();
    let (_, _, file) = one_file(folder.path());
    let len = fs::metadata(&file).unwrap().len();
    let past = age(&file);
    // Room for two, of about the same length.
    let mut world = World::new();
    world.engine = bounded(folder.path(), 1, len * 5 / 2);
    let contracts: Vec<_> = (2..5).map(|number| world.deploy(&returns(number))).collect();
    let kept = files(folder.path());
    assert_eq!(kept.len(), 2);
    assert!(!kept.contains(&file), "{past:?} is the oldest");
    for (contract, number) in contracts.into_iter().zip(2..) {
        assert_eq!(ask(&world, contract), [number]);
    }
}

#[test]
fn unfinished_files_of_a_process_that_died_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("0x00.1-0.part"), [0; 10]).unwrap();
    let _engine = engine(folder.path(), 1);
    assert_eq!(files(folder.path()), [] as [PathBuf; 0]);
}

#[test]
fn the_version_of_wasmtime_is_the_one_that_is_built() {
    let manifest = include_str!("../../../Cargo.toml");
    let pinned = format!("wasmtime = {{ version = \"={}\"", limits::WASMTIME_VERSION);
    assert!(manifest.contains(&pinned), "{pinned}");
}

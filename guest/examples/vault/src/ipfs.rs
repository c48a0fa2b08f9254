//! An IPFS node, by its RPC interface: one block a file.
//!
//! A block's content id (version 1, raw, SHA-256) is computed here too: a node that stores or returns anything
//! else is found out.

use contract_sdk::http::Request;
use contract_sdk::json;
use ink::prelude::format;
use ink::prelude::string::String;
use ink::prelude::vec::Vec;

use crate::s3::{of_http, sha256, split_scheme};
use crate::vault::{Error, TEXT_BYTES_MAX};

/// Version 1, raw bytes, SHA-256, 32 bytes of it.
const CID_PREFIX: [u8; 4] = [0x01, 0x55, 0x12, 0x20];
const BASE32: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// Between the parts of a form. Encrypted data has it by chance once in 2^256.
const BOUNDARY: &str = "phat-vault-7d1f6b0c2a9e4835b6c1d0e9f8a74325";

/// Whether the URL can be that of a node.
pub fn is_sound(url: &str) -> bool {
    let plain = |host: &str| {
        !host.is_empty()
            && host.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#".contains(&byte))
    };
    url.len() <= TEXT_BYTES_MAX && split_scheme(url).is_some_and(|(_, host)| plain(host))
}

/// The content id of a block.
pub fn cid(block: &[u8]) -> String {
    let bytes = [&CID_PREFIX[..], &sha256(block)].concat();
    let bits = |at: usize| {
        let byte = |place: usize| u16::from(bytes.get(place).copied().unwrap_or(0));
        let pair = byte(at / 8) << 8 | byte(at / 8 + 1);
        usize::from(pair >> (11 - at % 8) & 31)
    };
    let letters = (0..bytes.len() * 8).step_by(5).map(|at| char::from(BASE32[bits(at)]));
    // The letter of this base comes first.
    core::iter::once('b').chain(letters).collect()
}

/// Puts a block and gives its content id.
pub fn put(node: &str, block: &[u8]) -> Result<String, Error> {
    let mut form = format!(
        "--{BOUNDARY}\r\ncontent-disposition: form-data; name=\"data\"; filename=\"block\"\r\n\
         content-type: application/octet-stream\r\n\r\n"
    )
    .into_bytes();
    form.extend(block);
    form.extend(format!("\r\n--{BOUNDARY}--\r\n").into_bytes());
    let url = format!("{node}/api/v0/block/put?format=raw&mhtype=sha2-256&version=1");
    let answer = Request::post(url, form)
        .header("content-type", format!("multipart/form-data; boundary={BOUNDARY}"))
        .send()
        .map_err(of_http)?;
    if answer.status_code != 200 {
        return Err(Error::Refused(answer.status_code));
    }
    let cid = cid(block);
    let told = json::parse(&answer.body).ok().and_then(|answer| answer.member("Key")?.string());
    match told == Some(cid.clone()) {
        true => Ok(cid),
        false => Err(Error::Damaged),
    }
}

/// Gets the block of a content id.
pub fn get(node: &str, id: &str) -> Result<Vec<u8>, Error> {
    let is_id = !id.is_empty() && id.len() <= TEXT_BYTES_MAX;
    if !is_id || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Error::NotFound);
    }
    let url = format!("{node}/api/v0/block/get?arg={id}");
    let answer = Request::post(url, Vec::new()).send().map_err(of_http)?;
    match answer.status_code {
        200 if cid(&answer.body) == id => Ok(answer.body),
        200 => Err(Error::Damaged),
        // A node says so of a block that it does not have and, offline, cannot get.
        404 | 500 => Err(Error::NotFound),
        status => Err(Error::Refused(status)),
    }
}

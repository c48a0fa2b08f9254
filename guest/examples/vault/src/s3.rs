//! An S3-compatible store: requests signed with AWS Signature Version 4, inside of the contract.

use contract_sdk::http::{Error as HttpError, Request, Response};
use contract_sdk::time::{self, Utc};
use hmac::Mac as _;
use ink::prelude::format;
use ink::prelude::string::String;
use ink::prelude::vec::Vec;
use sha2::Digest as _;

use crate::vault::{Error, TEXT_BYTES_MAX};

const SIGNED_HEADERS: &str = "host;x-amz-content-sha256;x-amz-date";

/// A bucket and the right to use it. A part of the contract's state, which is encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[ink::scale_derive(Encode, Decode, TypeInfo)]
#[cfg_attr(feature = "std", derive(ink::storage::traits::StorageLayout))]
pub struct S3 {
    /// Scheme, host and port, such as `https://s3.eu-central-1.amazonaws.com`; buckets are in the path.
    pub endpoint: String,
    /// Such as `eu-central-1`; many stores take any.
    pub region: String,
    /// The bucket.
    pub bucket: String,
    /// The name of the key.
    pub access_key: String,
    /// The key itself.
    pub secret_key: String,
}

impl S3 {
    /// Whether the texts can be parts of a request.
    pub fn is_sound(&self) -> bool {
        let plain = |text: &str| {
            let fits = (1..=TEXT_BYTES_MAX).contains(&text.len());
            fits && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#%".contains(&byte))
        };
        let key = &self.secret_key;
        let host = split_scheme(&self.endpoint).map(|(_, host)| host);
        host.is_some_and(plain)
            && [&self.region, &self.bucket, &self.access_key].into_iter().all(|text| plain(text))
            && (1..=TEXT_BYTES_MAX).contains(&key.len())
    }

    /// Puts an object.
    pub fn put(&self, object: &str, body: Vec<u8>) -> Result<(), Error> {
        let answer = self.send("PUT", object, body)?;
        match answer.status_code {
            200 => Ok(()),
            status => Err(Error::Refused(status)),
        }
    }

    /// Gets an object.
    pub fn get(&self, object: &str) -> Result<Vec<u8>, Error> {
        let answer = self.send("GET", object, Vec::new())?;
        match answer.status_code {
            200 => Ok(answer.body),
            404 => Err(Error::NotFound),
            status => Err(Error::Refused(status)),
        }
    }

    fn send(&self, method: &str, object: &str, body: Vec<u8>) -> Result<Response, Error> {
        let now_ms = time::untrusted_now_ms().ok_or(Error::QueryOnly)?;
        let (_, host) = split_scheme(&self.endpoint).ok_or(Error::BadConfiguration)?;
        let path = format!("/{}/{object}", self.bucket);
        let body_hash = hex(&sha256(&body));
        let date = amz_date(now_ms);
        let signature = self.authorization(method, host, &path, &body_hash, &date);
        Request::new(method, format!("{}{path}", self.endpoint))
            .header("x-amz-date", date)
            .header("x-amz-content-sha256", body_hash)
            .header("authorization", signature)
            .body(body)
            .send()
            .map_err(of_http)
    }

    /// The header `authorization`.
    pub(crate) fn authorization(
        &self,
        method: &str,
        host: &str,
        path: &str,
        body_hash: &str,
        date: &str,
    ) -> String {
        let request = format!(
            "{method}\n{path}\n\nhost:{host}\nx-amz-content-sha256:{body_hash}\nx-amz-date:{date}\n\n\
             {SIGNED_HEADERS}\n{body_hash}"
        );
        let day = date.get(..8).unwrap_or_default();
        let scope = format!("{day}/{}/s3/aws4_request", self.region);
        let request_hash = hex(&sha256(request.as_bytes()));
        let to_sign = format!("AWS4-HMAC-SHA256\n{date}\n{scope}\n{request_hash}");
        let mut key = hmac(format!("AWS4{}", self.secret_key).as_bytes(), day.as_bytes());
        for part in [self.region.as_str(), "s3", "aws4_request"] {
            key = hmac(&key, part.as_bytes());
        }
        let signature = hex(&hmac(&key, to_sign.as_bytes()));
        format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={SIGNED_HEADERS}, \
             Signature={signature}",
            self.access_key
        )
    }
}

/// What of HTTP's errors a caller can do something about.
pub fn of_http(error: HttpError) -> Error {
    match error {
        HttpError::NotAllowed => Error::QueryOnly,
        _ => Error::Unreachable,
    }
}

pub fn sha256(data: &[u8]) -> [u8; 32] {
    sha2::Sha256::digest(data).into()
}

pub fn hmac(key: &[u8], data: &[u8]) -> [u8; 32] {
    // A key of any length is one; an empty digest would only be refused by the store.
    let Ok(mac) = hmac::Hmac::<sha2::Sha256>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.chain_update(data).finalize().into_bytes().into()
}

pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// `http` or `https`, and what comes after `://`.
pub fn split_scheme(url: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    matches!(scheme, "http" | "https").then_some((scheme, rest))
}

/// Such as `20260131T235959Z`.
fn amz_date(now_ms: u64) -> String {
    let utc = Utc::from_ms(now_ms);
    format!(
        "{:04}{:02}{:02}T{:02}{:02}{:02}Z",
        utc.year, utc.month, utc.day, utc.hour, utc.minute, utc.second
    )
}

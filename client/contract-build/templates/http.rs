//! Fetches a value out of a JSON document on the web, and remembers it for a minute.

#![cfg_attr(not(feature = "std"), no_std, no_main)]

#[ink::contract]
mod fetcher {
    use contract_sdk::{cache, http, json, warn};
    use ink::prelude::string::String;

    /// How long a fetched value is good for, seconds.
    const FRESH_SECONDS: u64 = 60;
    /// What the value is cached under.
    const CACHE_KEY: &[u8] = b"value";

    /// Why there is no value.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    #[ink::scale_derive(Encode, Decode, TypeInfo)]
    pub enum Error {
        /// Only the owner may do this.
        NotOwner,
        /// The server did not answer, or this is not a query.
        Unreachable,
        /// The server's answer has no such value.
        NoValue,
    }

    /// What the contract stores, encrypted: the URL may hold a key.
    #[ink(storage)]
    pub struct Fetcher {
        owner: AccountId,
        url: String,
        pointer: String,
    }

    impl Fetcher {
        /// A fetcher of the caller's. A constructor's arguments are public, so the URL comes later.
        #[ink(constructor)]
        pub fn new() -> Self {
            Self {
                owner: Self::env().caller(),
                url: String::new(),
                pointer: String::new(),
            }
        }

        /// Sets what to fetch: a URL, and a JSON pointer such as `/data/0/price`. Sealed.
        #[ink(message)]
        pub fn set_source(&mut self, url: String, pointer: String) -> Result<(), Error> {
            if self.env().caller() != self.owner {
                return Err(Error::NotOwner);
            }
            self.url = url;
            self.pointer = pointer;
            Ok(())
        }

        /// The value, as it is written in the document. A query.
        #[ink(message)]
        pub fn value(&self) -> Result<String, Error> {
            if let Some(cached) = cache::get(CACHE_KEY) {
                return String::from_utf8(cached).map_err(|_| Error::NoValue);
            }
            let answer = http::get(self.url.as_str()).map_err(|_| Error::Unreachable)?;
            let document = json::parse(&answer.body).ok();
            let Some(value) = document.and_then(|document| document.pointer(&self.pointer)) else {
                warn!("no value in an answer of status {}", answer.status_code);
                return Err(Error::NoValue);
            };
            // A full cache costs another request, not the answer.
            if cache::set(CACHE_KEY, value.text().as_bytes()).is_ok() {
                cache::expire_in(CACHE_KEY, FRESH_SECONDS);
            }
            Ok(value.text().into())
        }
    }

    impl Default for Fetcher {
        fn default() -> Self {
            Self::new()
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use contract_sdk::test::{Worker, response};

        #[ink::test]
        fn a_value_is_fetched_once_a_minute() {
            let worker = Worker::new();
            worker.on_http(|request| {
                assert_eq!(request.url, "https://api.example/");
                Ok(response(200, r#"{"data":[{"price":6.51}]}"#))
            });
            let mut fetcher = Fetcher::new();
            let source = ("https://api.example/".into(), "/data/0/price".into());
            fetcher.set_source(source.0, source.1).unwrap();
            assert_eq!(fetcher.value(), Ok("6.51".into()));
            assert_eq!(fetcher.value(), Ok("6.51".into()));
            assert_eq!(worker.requests().len(), 1);
            worker.advance_ms(60_000);
            assert_eq!(fetcher.value(), Ok("6.51".into()));
            assert_eq!(worker.requests().len(), 2);
        }

        #[ink::test]
        fn what_is_no_answer_is_an_error() {
            let worker = Worker::new();
            let fetcher = Fetcher::new();
            assert_eq!(fetcher.value(), Err(Error::Unreachable));
            worker.on_http(|_| Ok(response(404, "not found")));
            assert_eq!(fetcher.value(), Err(Error::NoValue));
        }
    }
}

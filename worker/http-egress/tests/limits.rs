//! What contracts share, and that one does not take it from another.

use crate::support::*;
use contract_abi::http::{HttpError, HttpRequest};
use executor_api::HttpClient as _;
use http_egress::{Egress, EgressConfig, EgressLimits, Load, Resolver};
use primitives::ContractId;
use std::{
    io,
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, mpsc},
    thread,
};

/// A peer that holds requests of `/held` until the gate opens, and says when one arrived.
fn holding() -> (SocketAddr, Arc<Gate>, mpsc::Receiver<()>) {
    let gate = Arc::new(Gate::default());
    let (sender, arrived) = mpsc::channel();
    let sender = Mutex::new(sender);
    let held = Arc::clone(&gate);
    let peer = serve_requests(move |received| {
        if received.path() == "/held" {
            sender.lock().unwrap().send(()).unwrap();
            held.pass();
        }
        ok("done")
    });
    (peer, gate, arrived)
}

fn limited(limits: EgressLimits) -> Egress {
    Egress::new(EgressConfig { limits, ..config() }).unwrap()
}

fn status(egress: &Egress, contract: ContractId, request: HttpRequest) -> Result<u16, HttpError> {
    let mut results = egress.send(&contract, vec![request], bounds(PATIENCE));
    results.remove(0).map(|response| response.status_code)
}

#[test]
fn a_contract_has_so_many_requests_on_their_way() {
    let (peer, gate, arrived) = holding();
    let egress = limited(EgressLimits {
        requests_per_contract_max: 2,
        ..EgressLimits::default()
    });
    thread::scope(|scope| {
        let held = scope.spawn(|| {
            let batch = vec![get(url(peer, "/held")); 2];
            egress.send(&CONTRACT, batch, bounds(PATIENCE))
        });
        arrived.recv().unwrap();
        arrived.recv().unwrap();
        let quick = || get(url(peer, "/quick"));
        assert_eq!(
            status(&egress, CONTRACT, quick()),
            Err(HttpError::TooManyRequests)
        );
        assert_eq!(status(&egress, OTHER_CONTRACT, quick()), Ok(200));
        gate.open();
        for result in held.join().unwrap() {
            assert_eq!(result.unwrap().body, b"done");
        }
        assert_eq!(status(&egress, CONTRACT, quick()), Ok(200));
    });
    assert_eq!(egress.load(), Load::default());
}

#[test]
fn who_asks_for_much_leaves_room_for_who_asks_for_little() {
    let (peer, gate, arrived) = holding();
    let egress = limited(EgressLimits {
        requests_max: 4,
        requests_per_contract_max: 4,
        ..EgressLimits::default()
    });
    thread::scope(|scope| {
        let hold = |contract: u8| {
            let egress = &egress;
            let held = scope
                .spawn(move || status(egress, ContractId([contract; 32]), get(url(peer, "/held"))));
            arrived.recv().unwrap();
            held
        };
        let refused = |contract: u8| {
            let outcome = status(
                &egress,
                ContractId([contract; 32]),
                get(url(peer, "/quick")),
            );
            assert_eq!(outcome, Err(HttpError::TooManyRequests), "{contract}");
        };
        // Half of all, although nobody else wants any; then of the rest only what is new.
        let mut held = vec![hold(1), hold(1)];
        refused(1);
        held.push(hold(2));
        refused(1);
        refused(2);
        held.push(hold(3));
        refused(3);
        refused(4);
        gate.open();
        for one in held {
            assert_eq!(one.join().unwrap(), Ok(200));
        }
    });
    assert_eq!(egress.load(), Load::default());
}

#[test]
fn bytes_in_memory_are_counted() {
    let peer = serve_requests(|received| match received.path() {
        "/large" => ok(&"x".repeat(40_000)),
        _ => ok(""),
    });
    let egress = limited(EgressLimits {
        bytes_max: 60_000,
        ..EgressLimits::default()
    });
    let large = HttpRequest {
        method: "POST".to_owned(),
        body: vec![0; 40_000],
        ..get(url(peer, "/"))
    };
    assert_eq!(
        status(&egress, CONTRACT, large),
        Err(HttpError::TooManyRequests)
    );
    assert_eq!(
        status(&egress, CONTRACT, get(url(peer, "/large"))),
        Err(HttpError::TooManyRequests)
    );
    let small = HttpRequest {
        method: "POST".to_owned(),
        body: vec![0; 20_000],
        ..get(url(peer, "/"))
    };
    assert_eq!(status(&egress, CONTRACT, small), Ok(200));
    assert_eq!(egress.load(), Load::default());
}

struct Slow(Arc<Gate>);

impl Resolver for Slow {
    fn resolve(&self, _name: &str) -> io::Result<Vec<IpAddr>> {
        self.0.pass();
        Ok(vec![LOOPBACK])
    }
}

#[test]
fn a_name_that_resolves_slowly_costs_its_contract_alone() {
    let peer = serve_text(ok(""));
    let gate = Arc::new(Gate::default());
    let egress = Egress::new(EgressConfig {
        limits: EgressLimits {
            requests_per_contract_max: 1,
            ..EgressLimits::default()
        },
        resolver: Arc::new(Slow(Arc::clone(&gate))),
        ..config()
    })
    .unwrap();
    let slow = get(format!("http://slow.example:{}/", peer.port()));
    assert_eq!(
        fetch_within(&egress, slow.clone(), SOON),
        Err(HttpError::Timeout)
    );
    // The thread that resolves is still busy, and so is the slot.
    assert_eq!(egress.load().requests, 1);
    assert_eq!(
        status(&egress, CONTRACT, get(url(peer, "/"))),
        Err(HttpError::TooManyRequests)
    );
    assert_eq!(
        status(&egress, OTHER_CONTRACT, get(url(peer, "/"))),
        Ok(200)
    );
    gate.open();
    until(|| egress.load() == Load::default());
    assert_eq!(status(&egress, CONTRACT, slow), Ok(200));
}

#[test]
fn a_request_has_a_time_of_its_own() {
    let (peer, gate, _arrived) = holding();
    let egress = limited(EgressLimits {
        time_max: SOON,
        ..EgressLimits::default()
    });
    assert_eq!(
        status(&egress, CONTRACT, get(url(peer, "/held"))),
        Err(HttpError::Timeout)
    );
    gate.open();
    until(|| egress.load() == Load::default());
}

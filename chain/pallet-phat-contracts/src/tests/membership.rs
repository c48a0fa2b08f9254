//! Workers that join and leave.

use super::*;

fn offer(who: u8, seed: u8, offer: WorkerOffer) -> DispatchResult {
    PhatContracts::offer_worker(signed(who), worker(seed), offer)
}

fn add(origin: RuntimeOrigin, seed: u8, number: u8) -> DispatchResult {
    PhatContracts::add_worker_to_cluster(origin, worker(seed), cluster(number))
}

fn remove(origin: RuntimeOrigin, seed: u8, number: u8) -> DispatchResult {
    PhatContracts::remove_worker_from_cluster(origin, worker(seed), cluster(number))
}

fn members(number: u8) -> Vec<u8> {
    ClusterWorkers::<Test>::get(cluster(number))
        .iter()
        .map(|worker| worker.0[0])
        .collect()
}

#[test]
fn an_owner_takes_in_what_is_offered_to_him() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        assert_ok!(add_cluster(&[2]));
        let not_offered = || Error::<Test>::WorkerNotOffered;
        assert_noop!(add(signed(1), 3, 1), not_offered());
        assert_noop!(
            offer(1, 3, WorkerOffer::Anybody),
            Error::<Test>::NotOperator
        );
        assert_ok!(offer(3, 3, WorkerOffer::Cluster(cluster(2))));
        System::assert_last_event(
            Event::WorkerOffered {
                worker: worker(3),
                offer: WorkerOffer::Cluster(cluster(2)),
            }
            .into(),
        );
        assert_noop!(add(signed(1), 3, 1), not_offered());
        assert_noop!(add(signed(4), 3, 2), BadOrigin);
        assert_noop!(add(signed(1), 3, 9), Error::<Test>::ClusterNotFound);
        assert_ok!(add(signed(1), 3, 2));
        System::assert_last_event(
            Event::WorkerAddedToCluster {
                worker: worker(3),
                cluster: cluster(2),
            }
            .into(),
        );
        assert_eq!(members(2), [2, 3]);
        assert_ok!(offer(4, 4, WorkerOffer::Anybody));
        assert_ok!(add(signed(1), 4, 1));
        assert_noop!(
            add(RuntimeOrigin::root(), 4, 2),
            Error::<Test>::WorkerIsBusy
        );
        // An offer that was taken back is none.
        assert_ok!(offer(5, 5, WorkerOffer::Anybody));
        assert_ok!(offer(5, 5, WorkerOffer::Nobody));
        assert_noop!(add(signed(1), 5, 1), not_offered());
        assert_eq!(WorkerOffers::<Test>::iter().count(), 2);
        // Root asks nobody, but an inactive worker serves nobody.
        assert_ok!(add(RuntimeOrigin::root(), 5, 1));
        Inactive::set(vec![WorkerId([6; 32])]);
        assert_noop!(
            add(RuntimeOrigin::root(), 6, 1),
            Error::<Test>::WorkerNotActive
        );
        assert_eq!(members(1), [1, 4, 5]);
    });
}

#[test]
fn an_offer_ends_with_its_operator() {
    run(|| {
        assert_ok!(add_cluster(&[1]));
        assert_ok!(offer(3, 3, WorkerOffer::Anybody));
        Sold::set(vec![(WorkerId([3; 32]), account(4))]);
        assert_noop!(add(signed(1), 3, 1), Error::<Test>::WorkerNotOffered);
        assert_ok!(offer(4, 3, WorkerOffer::Anybody));
        assert_ok!(add(signed(1), 3, 1));
        // And with the worker's record.
        <PhatContracts as ClustersApi>::on_worker_removed(&WorkerId([3; 32]));
        assert_eq!(WorkerOffers::<Test>::iter().count(), 0);
    });
}

#[test]
fn a_cluster_has_a_most_of_workers() {
    run(|| {
        let most = primitives::bounds::CLUSTER_WORKERS_MAX as u8;
        assert_ok!(add_cluster(&(1..most).collect::<Vec<_>>()));
        assert_ok!(add(RuntimeOrigin::root(), most, 1));
        assert_noop!(
            add(RuntimeOrigin::root(), most + 1, 1),
            Error::<Test>::TooManyWorkers
        );
    });
}

#[test]
fn a_worker_is_let_go_by_the_owner_or_taken_back_by_its_operator() {
    run(|| {
        assert_ok!(add_cluster(&[1, 2, 3]));
        assert_ok!(add_cluster(&[9]));
        assert_noop!(remove(signed(2), 1, 1), BadOrigin);
        assert_noop!(remove(signed(1), 9, 1), Error::<Test>::WorkerNotFound);
        assert_ok!(remove(signed(1), 1, 1));
        assert_eq!(Forgotten::get(), [[1; 32]]);
        // Elsewhere it can serve again: what its operator offered stands.
        assert_ok!(offer(1, 1, WorkerOffer::Anybody));
        assert_ok!(add(signed(1), 1, 2));
        let leave = |who: u8, seed: u8| PhatContracts::leave_cluster(signed(who), worker(seed));
        assert_noop!(leave(1, 2), Error::<Test>::NotOperator);
        assert_noop!(leave(4, 4), Error::<Test>::WorkerNotFound);
        assert_ok!(leave(1, 1));
        System::assert_last_event(
            Event::WorkerRemovedFromCluster {
                worker: worker(1),
                cluster: cluster(2),
            }
            .into(),
        );
        // Who takes a worker back does not find it taken again.
        assert_noop!(add(signed(1), 1, 2), Error::<Test>::WorkerNotOffered);
        assert_ok!(leave(2, 2));
        assert_noop!(leave(3, 3), Error::<Test>::LastWorker);
        assert_noop!(
            remove(RuntimeOrigin::root(), 3, 1),
            Error::<Test>::LastWorker
        );
    });
}

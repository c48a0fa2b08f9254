//! Workers' messages.

use crate::*;
use pallet_worker_registry::Clusters;
use polkadot_sdk::{
    frame_support::{ensure, weights::Weight},
    sp_runtime::DispatchResult,
};
use primitives::{WorkerId, bounds::WORKER_MESSAGE_BYTES_MAX};
use threshold_keys::GatekeeperMessage;
use wire::{decode_all, message::MessagePayload};

impl<T: Config> Pallet<T> {
    /// Whether a message may enter a block: whether its sender has a part in anything. Cheap, since
    /// the pool asks it; everything else is judged in the block.
    ///
    /// # Errors
    /// [`Error::NoPart`], [`Error::NotInCluster`] or [`Error::UnknownMessage`].
    pub fn check_message(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::SeedReceived { cluster, .. }
            | MessagePayload::SeedLost { cluster, .. } => ensure!(
                T::Clusters::is_member(cluster, sender),
                Error::<T>::NotInCluster
            ),
            MessagePayload::Gatekeeper { .. } => {
                let holds = CurrentHolders::<T>::get().contains(&sender.0);
                let has_part = holds
                    || Ceremony::<T>::get()
                        .is_some_and(|state| state.candidates.contains(&sender.0));
                ensure!(has_part, Error::<T>::NoPart);
            }
            _ => return Err(Error::<T>::UnknownMessage.into()),
        }
        Ok(())
    }

    /// Handles a message of an active worker, whose signature holds.
    ///
    /// # Errors
    /// As [`Error`] says; nothing is changed then. Misbehaviour that is proven is no error: it is
    /// recorded.
    pub fn handle_message(sender: &WorkerId, payload: &MessagePayload) -> DispatchResult {
        match payload {
            MessagePayload::SeedReceived { cluster, rotation } => {
                Self::on_seed_received(sender, cluster, *rotation)
            }
            MessagePayload::SeedLost { cluster, rotation } => {
                Self::on_seed_lost(sender, cluster, *rotation)
            }
            MessagePayload::Gatekeeper { message } => Self::on_gatekeeper(sender, message),
            _ => Err(Error::<T>::UnknownMessage.into()),
        }
    }

    /// The most that handling a message takes.
    pub fn message_weight(payload: &MessagePayload) -> Weight {
        match payload {
            // The first byte says which; see `GatekeeperMessage`.
            MessagePayload::Gatekeeper { message } => match message.first() {
                Some(0) => weights::receiving_key::<T>(),
                Some(1) => weights::dealing::<T>(),
                Some(2) => weights::complaint::<T>(),
                Some(3) => weights::handover::<T>(),
                Some(4) => weights::seed_share::<T>(),
                Some(6) => weights::beacon_response::<T>(),
                _ => weights::beacon_share::<T>(),
            },
            _ => weights::set_value::<T>(),
        }
    }

    fn on_gatekeeper(sender: &WorkerId, message: &[u8]) -> DispatchResult {
        let message = decode_all(message, WORKER_MESSAGE_BYTES_MAX)
            .map_err(|_| Error::<T>::MalformedMessage)?;
        let who = &sender.0;
        match message {
            GatekeeperMessage::ReceivingKey { target, key } => {
                Self::on_receiving_key(who, target, key)
            }
            GatekeeperMessage::Dealing { plan, dealing } => Self::on_dealing(who, plan, dealing),
            GatekeeperMessage::Complaint { plan, complaint } => {
                Self::on_complaint(who, plan, complaint)
            }
            GatekeeperMessage::Handover { plan, share } => Self::on_handover(who, plan, share),
            GatekeeperMessage::SeedShare(sealed) => Self::on_seed_share(who, sealed),
            GatekeeperMessage::BeaconContribution {
                round,
                attempt,
                contribution,
                statement_signature,
            } => Self::on_contribution(who, round, attempt, contribution, statement_signature),
            GatekeeperMessage::BeaconResponse {
                round,
                attempt,
                response,
                statement_signature,
            } => Self::on_response(who, round, attempt, response, statement_signature),
            GatekeeperMessage::BeaconShare { round, share } => {
                Self::on_beacon_share(who, round, share)
            }
        }
    }
}

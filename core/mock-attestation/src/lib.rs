//! **Insecure.** A development PKI that makes real DCAP quotes under a development root, for
//! networks and tests without TEE hardware.
//!
//! # What it is
//!
//! Everything that Intel's infrastructure and a TEE machine would sign, signed here with keys that
//! anybody can derive: root CA, PCK authority, PCK certificate with the SGX extensions, TCB signer,
//! TCB info, identity of the quoting enclave, revocation lists, quoting enclave's report,
//! attestation key, quote (SGX version 3, TDX version 4). The result goes through the one
//! production verifier, [`attestation::judge`], so that the path that matters is the one that
//! development and tests take. There is no mode that skips attestation.
//!
//! # Threats
//!
//! **It proves nothing about anything.** The keys of [`DevelopmentPki::insecure_well_known`] are in
//! this file. What keeps them out of a public network is its policy: it accepts
//! [`AcceptedRoot::Intel`] only, and every identity names its [`RootKind`](attestation::RootKind).
//!
//! # Determinism
//!
//! The same seed gives the same root certificate on every machine (derived keys, RFC 6979
//! signatures, own DER writer), so that a chain specification that holds it is reproducible.
//! Certificates are valid from 1970 to 2099; documents and revocation lists are made for the time
//! that the caller names: issued a day before, due 30 days later.
//!
//! # Example
//!
//! ```
//! use attestation::{Policy, RootKind, judge};
//! use mock_attestation::{DevelopmentPki, MockTd};
//!
//! let pki = DevelopmentPki::insecure_well_known();
//! let td = MockTd::of_build([7; 48]);
//! let now = 1_800_000_000;
//! let evidence = pki.tdx_evidence(&td, &[1; 64], now);
//!
//! let policy = Policy {
//!     roots: &[pki.accepted_root()],
//!     allowed_measurements: Some(&[td.measurement()]),
//!     tier_max: 1,
//! };
//! let identity = judge(&evidence, &[1; 64], &policy, now)?;
//! assert_eq!(identity.root, RootKind::Development);
//! # Ok::<(), attestation::AttestationError>(())
//! ```

#![deny(missing_docs)]

mod certificates;
mod der;
mod platform_tcb;
mod quote;

use attestation::{
    AcceptedRoot, Collateral, Evidence, SgxParts, TdxParts, TeeKind, measure_sgx, measure_tdx,
};
use certificates::{CertificateRequest, Key, Usage, certificate, pem, revocation_list};
use platform_tcb::{OID_SGX_EXTENSION, Period, qe_identity, sgx_extension, tcb_info};
use primitives::Measurement;
use quote::QuotingKeys;

const ROOT: &str = "Phat INSECURE Development Root CA";
const PCK_AUTHORITY: &str = "Phat INSECURE Development PCK Platform CA";
const PCK: &str = "Phat INSECURE Development PCK Certificate";
const TCB_SIGNER: &str = "Phat INSECURE Development TCB Signing";

const SERIAL_ROOT: u8 = 1;
const SERIAL_PCK_AUTHORITY: u8 = 2;
const SERIAL_TCB_SIGNER: u8 = 3;
const SERIAL_PCK: u8 = 4;

const DAY_SECONDS: u64 = 24 * 60 * 60;
/// How long before the caller's time documents are issued.
const ISSUED_BEFORE_SECONDS: u64 = DAY_SECONDS;
/// How long after the caller's time the next documents are due.
const NEXT_UPDATE_AFTER_SECONDS: u64 = 30 * DAY_SECONDS;

/// A pretended TD: what its quote will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockTd {
    /// Measurement of the initial memory.
    pub mr_td: [u8; 48],
    /// The four run-time registers.
    pub rtmrs: [[u8; 48]; 4],
    /// TD attributes; [`MockTd::SAFE_ATTRIBUTES`] unless a refusal is wanted.
    pub attributes: [u8; 8],
    /// Whether the TD is under debug; always refused.
    pub debug: bool,
    /// What the collateral says of the machine.
    pub tcb: MockTcb,
}

impl MockTd {
    /// Only SEPT_VE_DISABLE set: what a verifier demands.
    pub const SAFE_ATTRIBUTES: [u8; 8] = [0, 0, 0, 0x10, 0, 0, 0, 0];

    /// A TD of the given build on a good machine.
    pub const fn of_build(mr_td: [u8; 48]) -> Self {
        Self {
            mr_td,
            rtmrs: [[0; 48]; 4],
            attributes: Self::SAFE_ATTRIBUTES,
            debug: false,
            tcb: MockTcb::UpToDate,
        }
    }

    /// What [`attestation::judge`] will measure.
    pub fn measurement(&self) -> Measurement {
        let mut td_attributes = self.attributes;
        td_attributes[0] |= u8::from(self.debug);
        measure_tdx(&TdxParts {
            mr_td: self.mr_td,
            rtmrs: self.rtmrs,
            mr_config_id: [0; 48],
            mr_owner: [0; 48],
            mr_owner_config: [0; 48],
            td_attributes,
        })
    }
}

/// A pretended SGX enclave: what its quote will say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MockEnclave {
    /// Hash of the enclave's pages.
    pub mr_enclave: [u8; 32],
    /// Hash of the signer's key.
    pub mr_signer: [u8; 32],
    /// Product id.
    pub isv_prod_id: u16,
    /// Security version.
    pub isv_svn: u16,
    /// Whether the enclave is under debug; always refused.
    pub debug: bool,
    /// What the collateral says of the machine.
    pub tcb: MockTcb,
}

impl MockEnclave {
    /// An enclave of the given build on a good machine.
    pub const fn of_build(mr_enclave: [u8; 32]) -> Self {
        Self {
            mr_enclave,
            mr_signer: [0; 32],
            isv_prod_id: 0,
            isv_svn: 0,
            debug: false,
            tcb: MockTcb::UpToDate,
        }
    }

    /// What [`attestation::judge`] will measure.
    pub fn measurement(&self) -> Measurement {
        measure_sgx(&SgxParts {
            mr_enclave: self.mr_enclave,
            isv_prod_id: self.isv_prod_id,
            isv_svn: self.isv_svn,
            mr_signer: self.mr_signer,
        })
    }
}

/// What the collateral says of the pretended machine. Advisories are ids such as `INTEL-SA-00334`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum MockTcb {
    /// Nothing to do: tier 1.
    #[default]
    UpToDate,
    /// Software must be hardened: tier 2, or 4 with an advisory outside the white list.
    SwHardeningNeeded(Vec<String>),
    /// Firmware must be configured: tier 3, or 4 with an advisory outside the white list.
    ConfigurationNeeded(Vec<String>),
    /// Firmware must be updated: tier 5.
    OutOfDate(Vec<String>),
    /// Keys of the platform leaked: always refused.
    Revoked,
    /// Older than every known level: always refused.
    Unsupported,
}

impl MockTcb {
    fn status_and_advisories(&self) -> (&'static str, &[String]) {
        match self {
            Self::UpToDate => ("UpToDate", &[]),
            Self::SwHardeningNeeded(ids) => ("SWHardeningNeeded", ids),
            Self::ConfigurationNeeded(ids) => ("ConfigurationNeeded", ids),
            Self::OutOfDate(ids) => ("OutOfDate", ids),
            Self::Revoked => ("Revoked", &[]),
            Self::Unsupported => ("OutOfDate", &[]),
        }
    }
}

/// What is wrong with evidence that must be refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MockFault {
    /// The PCK certificate is on the PCK authority's revocation list.
    RevokedPckCertificate,
    /// The PCK authority is on the root's revocation list.
    RevokedPckAuthority,
    /// Documents and lists were due a day ago.
    LapsedCollateral,
    /// Documents are issued tomorrow.
    FutureCollateral,
    /// The quote is signed by a key that the quoting enclave does not vouch for.
    ForgedQuote,
    /// The quoting enclave's report is signed by a key other than the PCK.
    ForgedQuotingEnclave,
    /// The TCB info is signed by a key other than the TCB signer's.
    ForgedTcbInfo,
}

/// **Insecure.** Keys and certificates of a development network.
pub struct DevelopmentPki {
    root_key: Key,
    pck_authority_key: Key,
    pck_key: Key,
    tcb_signer_key: Key,
    attestation_key: Key,
    foreign_key: Key,
    root: Vec<u8>,
    pck_authority_chain_pem: String,
    pck_chain_pem: String,
    tcb_signer_chain_pem: String,
}

impl DevelopmentPki {
    /// The PKI whose keys everybody knows: the same root on every machine.
    pub fn insecure_well_known() -> Self {
        Self::from_seed(*b"Phat INSECURE development seed 1")
    }

    /// A PKI of its own for each seed; a foreign root for tests.
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let root_key = Key::derive(&seed, "root");
        let pck_authority_key = Key::derive(&seed, "pck authority");
        let pck_key = Key::derive(&seed, "pck");
        let tcb_signer_key = Key::derive(&seed, "tcb signer");
        let by_root = |subject, subject_key, serial, usage| {
            certificate(&CertificateRequest {
                subject,
                subject_key,
                issuer: ROOT,
                issuer_key: &root_key,
                serial,
                usage,
                extension: None,
            })
        };
        let root = by_root(ROOT, &root_key, SERIAL_ROOT, Usage::Authority);
        let pck_authority = by_root(
            PCK_AUTHORITY,
            &pck_authority_key,
            SERIAL_PCK_AUTHORITY,
            Usage::Authority,
        );
        let tcb_signer = by_root(
            TCB_SIGNER,
            &tcb_signer_key,
            SERIAL_TCB_SIGNER,
            Usage::Signer,
        );
        let pck = certificate(&CertificateRequest {
            subject: PCK,
            subject_key: &pck_key,
            issuer: PCK_AUTHORITY,
            issuer_key: &pck_authority_key,
            serial: SERIAL_PCK,
            usage: Usage::Signer,
            extension: Some((OID_SGX_EXTENSION, sgx_extension())),
        });
        Self {
            pck_authority_chain_pem: pem(&[&pck_authority, &root]),
            pck_chain_pem: pem(&[&pck, &pck_authority, &root]),
            tcb_signer_chain_pem: pem(&[&tcb_signer, &root]),
            attestation_key: Key::derive(&seed, "attestation"),
            foreign_key: Key::derive(&seed, "foreign"),
            root_key,
            pck_authority_key,
            pck_key,
            tcb_signer_key,
            root,
        }
    }

    /// The root's certificate: what a development chain's specification names.
    pub fn root_ca_der(&self) -> Vec<u8> {
        self.root.clone()
    }

    /// The root as a policy names it.
    pub fn accepted_root(&self) -> AcceptedRoot {
        #[expect(
            clippy::expect_used,
            reason = "the certificate has a few hundred bytes"
        )]
        AcceptedRoot::development(self.root_ca_der()).expect("within the bound")
    }

    /// Evidence of a TD that stands at `now` (Unix seconds).
    pub fn tdx_evidence(&self, td: &MockTd, report_data: &[u8; 64], now: u64) -> Evidence {
        self.tdx(td, report_data, now, None)
    }

    /// Evidence of a TD that must be refused at `now` (Unix seconds) for the given fault.
    pub fn faulty_tdx_evidence(
        &self,
        td: &MockTd,
        report_data: &[u8; 64],
        now: u64,
        fault: MockFault,
    ) -> Evidence {
        self.tdx(td, report_data, now, Some(fault))
    }

    /// Evidence of an SGX enclave that stands at `now` (Unix seconds).
    pub fn sgx_evidence(
        &self,
        enclave: &MockEnclave,
        report_data: &[u8; 64],
        now: u64,
    ) -> Evidence {
        Evidence {
            quote: quote::sgx_quote(enclave, report_data, &self.quoting_keys(None)),
            collateral: self.collateral(TeeKind::Sgx, &enclave.tcb, now, None),
        }
    }

    fn tdx(
        &self,
        td: &MockTd,
        report_data: &[u8; 64],
        now: u64,
        fault: Option<MockFault>,
    ) -> Evidence {
        let mut quote = quote::tdx_quote(td, report_data, &self.quoting_keys(fault));
        if fault == Some(MockFault::ForgedQuote) {
            let forged = QuotingKeys {
                attestation: &self.foreign_key,
                ..self.quoting_keys(fault)
            };
            // The report is signed by a foreign key; the rest still names the genuine one.
            const SIGNATURE: core::ops::Range<usize> = 636..700;
            let foreign = quote::tdx_quote(td, report_data, &forged);
            quote[SIGNATURE].copy_from_slice(&foreign[SIGNATURE]);
        }
        Evidence {
            quote,
            collateral: self.collateral(TeeKind::Tdx, &td.tcb, now, fault),
        }
    }

    fn quoting_keys(&self, fault: Option<MockFault>) -> QuotingKeys<'_> {
        let forged = fault == Some(MockFault::ForgedQuotingEnclave);
        QuotingKeys {
            attestation: &self.attestation_key,
            pck: if forged {
                &self.foreign_key
            } else {
                &self.pck_key
            },
            pck_chain_pem: &self.pck_chain_pem,
        }
    }

    fn collateral(
        &self,
        tee: TeeKind,
        tcb: &MockTcb,
        now: u64,
        fault: Option<MockFault>,
    ) -> Collateral {
        let period = period(now, fault);
        let revoked = |on: MockFault, serial| {
            if fault == Some(on) {
                vec![serial]
            } else {
                vec![]
            }
        };
        let list = |issuer, key, revoked: Vec<u8>| {
            revocation_list(issuer, key, period.issued, period.next_update, &revoked)
        };
        let tcb_info_key = match fault {
            Some(MockFault::ForgedTcbInfo) => &self.foreign_key,
            _ => &self.tcb_signer_key,
        };
        let tcb_info = tcb_info(tee, tcb, period);
        let qe_identity = qe_identity(tee, period);
        Collateral {
            pck_crl_issuer_chain: self.pck_authority_chain_pem.clone(),
            root_ca_crl: list(
                ROOT,
                &self.root_key,
                revoked(MockFault::RevokedPckAuthority, SERIAL_PCK_AUTHORITY),
            ),
            pck_crl: list(
                PCK_AUTHORITY,
                &self.pck_authority_key,
                revoked(MockFault::RevokedPckCertificate, SERIAL_PCK),
            ),
            tcb_info_issuer_chain: self.tcb_signer_chain_pem.clone(),
            tcb_info_signature: tcb_info_key.sign_raw(tcb_info.as_bytes()).to_vec(),
            tcb_info,
            qe_identity_issuer_chain: self.tcb_signer_chain_pem.clone(),
            qe_identity_signature: self
                .tcb_signer_key
                .sign_raw(qe_identity.as_bytes())
                .to_vec(),
            qe_identity,
            pck_certificate_chain: None,
        }
    }
}

fn period(now: u64, fault: Option<MockFault>) -> Period {
    match fault {
        Some(MockFault::LapsedCollateral) => Period {
            issued: now.saturating_sub(NEXT_UPDATE_AFTER_SECONDS),
            next_update: now.saturating_sub(DAY_SECONDS),
        },
        Some(MockFault::FutureCollateral) => Period {
            issued: now.saturating_add(DAY_SECONDS),
            next_update: now.saturating_add(NEXT_UPDATE_AFTER_SECONDS),
        },
        _ => Period {
            issued: now.saturating_sub(ISSUED_BEFORE_SECONDS),
            next_update: now.saturating_add(NEXT_UPDATE_AFTER_SECONDS),
        },
    }
}

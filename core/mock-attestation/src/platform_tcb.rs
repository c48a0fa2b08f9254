//! The pretended machine: its PCK extension, and the signed documents that judge it.

use crate::MockTcb;
use crate::der;
use attestation::TeeKind;

/// Family of the pretended processor.
const FMSPC: [u8; 6] = *b"\xdePHAT\x01";
const PCE_ID: [u8; 2] = [0, 0];
/// Version of every component of the pretended processor.
const COMPONENT_SVN: u8 = 3;
/// A version that the pretended processor does not reach.
const COMPONENT_SVN_NEXT: u8 = 4;
const PCE_SVN: u8 = 11;
/// Versions of the pretended TDX module: its own version 3 in major version 3.
pub(crate) const TEE_TCB_SVN: [u8; 16] = [3, 3, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
/// Versions of the pretended processor's components.
pub(crate) const CPU_SVN: [u8; 16] = [COMPONENT_SVN; 16];

/// Signer, product and version of the pretended quoting enclaves.
pub(crate) const QE_MR_SIGNER: [u8; 32] = *b"INSECURE development QE signer!!";
pub(crate) const QE_ISV_SVN: u16 = 4;
/// INIT, MODE64BIT and PROVISIONKEY-less attributes, as the real quoting enclaves have them.
pub(crate) const QE_ATTRIBUTES: [u8; 16] = [0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];

pub(crate) const fn qe_isv_prod_id(tee: TeeKind) -> u16 {
    match tee {
        TeeKind::Sgx => 1,
        TeeKind::Tdx => 2,
    }
}

/// Intel's arc for the SGX extension of a PCK certificate.
pub(crate) const OID_SGX_EXTENSION: &[u64] = &[1, 2, 840, 113741, 1, 13, 1];

/// Content of the SGX extension: PPID, TCB components, PCE id, FMSPC, SGX type (Intel, "SGX PCK
/// Certificate and CRL Profile Specification", 1.3.5).
pub(crate) fn sgx_extension() -> Vec<u8> {
    let entry = |arcs: &[u64], content| {
        der::sequence(&[der::object_id(&[OID_SGX_EXTENSION, arcs].concat()), content])
    };
    let mut tcb: Vec<_> = (1..=16)
        .map(|number| entry(&[2, number], der::integer(&[COMPONENT_SVN])))
        .collect();
    tcb.push(entry(&[2, 17], der::integer(&[PCE_SVN])));
    tcb.push(entry(&[2, 18], der::octets(&CPU_SVN)));
    der::sequence(&[
        entry(&[1], der::octets(b"INSECURE mock id")),
        entry(&[2], der::sequence(&tcb)),
        entry(&[3], der::octets(&PCE_ID)),
        entry(&[4], der::octets(&FMSPC)),
        entry(&[5], der::enumerated(0)),
    ])
}

/// When documents were issued and when the next ones are due, Unix seconds.
#[derive(Clone, Copy)]
pub(crate) struct Period {
    pub issued: u64,
    pub next_update: u64,
}

impl Period {
    fn json(self) -> String {
        let text = |seconds| der::date(seconds).format("%Y-%m-%dT%H:%M:%SZ");
        format!(
            r#""issueDate":"{}","nextUpdate":"{}""#,
            text(self.issued),
            text(self.next_update)
        )
    }
}

/// TCB info, version 3 (Intel PCS API 4).
pub(crate) fn tcb_info(tee: TeeKind, tcb: &MockTcb, period: Period) -> String {
    let (id, module) = match tee {
        TeeKind::Sgx => ("SGX", String::new()),
        TeeKind::Tdx => ("TDX", tdx_module()),
    };
    let (status, advisories) = tcb.status_and_advisories();
    let mut levels = Vec::new();
    if status != "UpToDate" {
        levels.push(tcb_level(tee, COMPONENT_SVN_NEXT, "UpToDate", &[]));
    }
    if *tcb != MockTcb::Unsupported {
        levels.push(tcb_level(tee, COMPONENT_SVN, status, advisories));
    }
    format!(
        concat!(
            r#"{{"id":"{id}","version":3,{period},"fmspc":"{fmspc}","pceId":"{pce_id}","#,
            r#""tcbType":0,"tcbEvaluationDataNumber":17,{module}"tcbLevels":[{levels}]}}"#
        ),
        id = id,
        period = period.json(),
        fmspc = hex::encode_upper(FMSPC),
        pce_id = hex::encode_upper(PCE_ID),
        module = module,
        levels = levels.join(","),
    )
}

fn tcb_level(tee: TeeKind, svn: u8, status: &str, advisories: &[String]) -> String {
    let components = |svns: &[u8]| {
        let texts: Vec<_> = svns
            .iter()
            .map(|svn| format!(r#"{{"svn":{svn}}}"#))
            .collect();
        format!("[{}]", texts.join(","))
    };
    let tdx = match tee {
        TeeKind::Sgx => String::new(),
        TeeKind::Tdx => {
            format!(r#","tdxtcbcomponents":{}"#, components(&TEE_TCB_SVN))
        }
    };
    let advisories: Vec<_> = advisories.iter().map(|id| format!("{id:?}")).collect();
    format!(
        concat!(
            r#"{{"tcb":{{"sgxtcbcomponents":{sgx},"pcesvn":{pce_svn}{tdx}}},"#,
            r#""tcbDate":"2020-01-01T00:00:00Z","tcbStatus":"{status}","#,
            r#""advisoryIDs":[{advisories}]}}"#
        ),
        sgx = components(&[svn; 16]),
        pce_svn = PCE_SVN,
        tdx = tdx,
        status = status,
        advisories = advisories.join(","),
    )
}

/// The pretended TDX module has no signer and no attributes, as the real one.
fn tdx_module() -> String {
    let module = format!(
        r#""mrsigner":"{}","attributes":"{}","attributesMask":"{}""#,
        hex::encode([0; 48]),
        hex::encode([0; 8]),
        hex::encode_upper([0xff; 8])
    );
    format!(
        concat!(
            r#""tdxModule":{{{module}}},"tdxModuleIdentities":[{{"id":"TDX_03",{module},"#,
            r#""tcbLevels":[{{"tcb":{{"isvsvn":3}},"tcbDate":"2020-01-01T00:00:00Z","#,
            r#""tcbStatus":"UpToDate"}}]}}],"#
        ),
        module = module
    )
}

/// Identity of the pretended quoting enclave, version 2 (Intel PCS API 4).
pub(crate) fn qe_identity(tee: TeeKind, period: Period) -> String {
    let id = match tee {
        TeeKind::Sgx => "QE",
        TeeKind::Tdx => "TD_QE",
    };
    format!(
        concat!(
            r#"{{"id":"{id}","version":2,{period},"tcbEvaluationDataNumber":17,"#,
            r#""miscselect":"00000000","miscselectMask":"FFFFFFFF","attributes":"{attributes}","#,
            r#""attributesMask":"FBFFFFFFFFFFFFFF0000000000000000","mrsigner":"{signer}","#,
            r#""isvprodid":{product},"tcbLevels":[{{"tcb":{{"isvsvn":{svn}}},"#,
            r#""tcbDate":"2020-01-01T00:00:00Z","tcbStatus":"UpToDate"}}]}}"#
        ),
        id = id,
        period = period.json(),
        attributes = hex::encode(QE_ATTRIBUTES),
        signer = hex::encode_upper(QE_MR_SIGNER),
        product = qe_isv_prod_id(tee),
        svn = QE_ISV_SVN,
    )
}

//! A development PKI that makes real DCAP quotes under a development root

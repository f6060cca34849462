//! The real kube-apiserver of this process, where `KUBEBUILDER_ASSETS` names a folder that holds one. No
//! controllers run beside it.

use bytes::Bytes;
use http::StatusCode;
use trueup_testbed::{ApiServer, Raw};

use crate::client::{Answer, Broken};

/// A client of the real server.
#[derive(Clone)]
pub(crate) struct Real(Raw);

impl Real {
    /// Of the server of this process; none where there are no programs.
    pub(crate) fn client() -> Option<Self> {
        Some(Self(ApiServer::shared()?.raw()))
    }

    /// Sends a request as it is given.
    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Result<Answer, Broken> {
        let path = path.replace(' ', "%20");
        let answer = self.0.send(method, &path, headers, body.into()).await;
        let answer = answer.map_err(|_| Broken)?;
        Ok(Answer {
            status: StatusCode::from_u16(answer.status).map_err(|_| Broken)?,
            headers: answer.headers,
            body: answer.body.into(),
        })
    }
}

//! Which columns a resource's table has: names, types and order of `pkg/printers/internalversion`
//! in k8s.io/kubernetes 1.36. Descriptions are left out but for those clients show.

use super::path::Path;
use super::{Cell, Column, cells, workloads};
use crate::registry::Resource;

use Cell::{Age, At, Created, Made, Name};

type Row = (&'static str, &'static str, i64, Cell);

const fn text(name: &'static str, cell: Cell) -> Row {
    (name, "string", 0, cell)
}

const fn wide(name: &'static str, cell: Cell) -> Row {
    (name, "string", 1, cell)
}

const fn number(name: &'static str, cell: Cell) -> Row {
    (name, "integer", 0, cell)
}

const fn flag(name: &'static str, cell: Cell) -> Row {
    (name, "boolean", 0, cell)
}

const NAME: Row = text("Name", Name);
const AGE: Row = text("Age", Age);
const CONTAINERS: Row = wide("Containers", Made(workloads::containers));
const IMAGES: Row = wide("Images", Made(workloads::images));
const SELECTOR: Row = wide("Selector", Made(workloads::selector));

/// The columns of a resource.
pub(super) fn of(resource: &Resource) -> Vec<Column> {
    let mut columns: Vec<Column> = match &resource.custom {
        None => builtin(resource).iter().map(column).collect(),
        Some(custom) if custom.columns.is_empty() => [NAME, AGE].iter().map(column).collect(),
        Some(_) => [NAME].iter().map(column).collect(),
    };
    let custom = resource
        .custom
        .as_ref()
        .map_or(&[][..], |custom| custom.columns.as_slice());
    columns.extend(custom.iter().map(|c| Column {
        name: c.name.clone(),
        kind: c.kind.clone(),
        format: c.format.clone(),
        description: if c.description.is_empty() {
            format!(
                "Custom resource definition column (in JSONPath format): {}",
                c.json_path
            )
        } else {
            c.description.clone()
        },
        priority: c.priority,
        cell: Cell::Path(Path::parse(&c.json_path)),
    }));
    columns
}

fn column((name, kind, priority, cell): &Row) -> Column {
    Column {
        name: (*name).to_owned(),
        kind: (*kind).to_owned(),
        format: if *name == "Name" {
            "name".to_owned()
        } else {
            String::new()
        },
        description: String::new(),
        priority: *priority,
        cell: cell.clone(),
    }
}

fn builtin(resource: &Resource) -> Vec<Row> {
    let plural = resource.plural.as_str();
    match resource.group.as_str() {
        "" => core(plural),
        "apps" | "batch" | "autoscaling" | "policy" => workload(plural),
        "networking.k8s.io" | "discovery.k8s.io" => network(plural),
        "storage.k8s.io" => storage(plural),
        "events.k8s.io" => EVENTS.to_vec(),
        _ => other(plural),
    }
}

const EVENTS: &[Row] = &[
    text("Last Seen", Made(cells::event_last_seen)),
    text("Type", At("/type")),
    text("Reason", At("/reason")),
    text("Object", Made(cells::event_object)),
    wide("Subobject", At("/involvedObject/fieldPath")),
    wide("Source", Made(cells::event_source)),
    text("Message", At("/message")),
    wide("First Seen", Made(cells::event_first_seen)),
    wide("Count", Made(cells::event_count)),
    wide("Name", Name),
];

fn core(plural: &str) -> Vec<Row> {
    match plural {
        "configmaps" => vec![NAME, text("Data", Made(cells::data_count)), AGE],
        "endpoints" => vec![NAME, text("Endpoints", Made(cells::endpoints)), AGE],
        "events" => EVENTS.to_vec(),
        "limitranges" => vec![NAME, ("Created At", "date", 0, Created)],
        "namespaces" => vec![NAME, text("Status", At("/status/phase")), AGE],
        "nodes" => vec![
            NAME,
            text("Status", Made(cells::node_status)),
            text("Roles", Made(cells::node_roles)),
            AGE,
            text("Version", At("/status/nodeInfo/kubeletVersion")),
            wide("Internal-IP", Made(cells::node_internal_ip)),
            wide("External-IP", Made(cells::node_external_ip)),
            wide("OS-Image", At("/status/nodeInfo/osImage")),
            wide("Kernel-Version", At("/status/nodeInfo/kernelVersion")),
            wide(
                "Container-Runtime",
                At("/status/nodeInfo/containerRuntimeVersion"),
            ),
        ],
        "persistentvolumeclaims" => vec![
            NAME,
            text("Status", Made(cells::phase)),
            text("Volume", At("/spec/volumeName")),
            text("Capacity", Made(cells::claim_capacity)),
            text("Access Modes", Made(cells::claim_access_modes)),
            text("StorageClass", At("/spec/storageClassName")),
            text("VolumeAttributesClass", Made(cells::attributes_class)),
            AGE,
            wide("VolumeMode", At("/spec/volumeMode")),
        ],
        "persistentvolumes" => vec![
            NAME,
            text("Capacity", At("/spec/capacity/storage")),
            text("Access Modes", Made(cells::volume_access_modes)),
            text("Reclaim Policy", At("/spec/persistentVolumeReclaimPolicy")),
            text("Status", Made(cells::phase)),
            text("Claim", Made(cells::volume_claim)),
            text("StorageClass", At("/spec/storageClassName")),
            text("VolumeAttributesClass", Made(cells::attributes_class)),
            text("Reason", At("/status/reason")),
            AGE,
            wide("VolumeMode", At("/spec/volumeMode")),
        ],
        "pods" => vec![
            NAME,
            text("Ready", Made(workloads::pod_ready)),
            text("Status", Made(workloads::pod_status)),
            text("Restarts", Made(workloads::pod_restarts)),
            AGE,
            wide("IP", Made(workloads::pod_ip)),
            wide("Node", Made(workloads::pod_node)),
            wide("Nominated Node", Made(workloads::pod_nominated_node)),
            wide("Readiness Gates", Made(workloads::pod_gates)),
        ],
        "podtemplates" => vec![
            NAME,
            text("Containers", Made(workloads::containers)),
            text("Images", Made(workloads::images)),
            text("Pod Labels", Made(workloads::pod_labels)),
        ],
        "replicationcontrollers" => REPLICAS.to_vec(),
        "resourcequotas" => vec![
            NAME,
            text("Request", Made(cells::quota_requests)),
            text("Limit", Made(cells::quota_limits)),
            AGE,
        ],
        "secrets" => vec![
            NAME,
            text("Type", At("/type")),
            text("Data", Made(cells::data_count)),
            AGE,
        ],
        "services" => vec![
            NAME,
            text("Type", At("/spec/type")),
            text("Cluster-IP", Made(cells::cluster_ip)),
            text("External-IP", Made(cells::external_ip)),
            text("Port(s)", Made(cells::service_ports)),
            AGE,
            wide("Selector", Made(cells::service_selector)),
        ],
        _ => vec![NAME, AGE],
    }
}

const REPLICAS: &[Row] = &[
    NAME,
    number("Desired", At("/spec/replicas")),
    number("Current", At("/status/replicas")),
    number("Ready", At("/status/readyReplicas")),
    AGE,
    CONTAINERS,
    IMAGES,
    SELECTOR,
];

fn workload(plural: &str) -> Vec<Row> {
    match plural {
        "controllerrevisions" => vec![
            NAME,
            text("Controller", Made(cells::controller)),
            text("Revision", At("/revision")),
            AGE,
        ],
        "daemonsets" => vec![
            NAME,
            number("Desired", At("/status/desiredNumberScheduled")),
            number("Current", At("/status/currentNumberScheduled")),
            number("Ready", At("/status/numberReady")),
            number("Up-to-date", At("/status/updatedNumberScheduled")),
            number("Available", At("/status/numberAvailable")),
            text("Node Selector", Made(workloads::node_selector)),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        "deployments" => vec![
            NAME,
            text("Ready", Made(workloads::ready_of_desired)),
            text("Up-to-date", Made(workloads::updated)),
            text("Available", Made(workloads::available)),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        "replicasets" => REPLICAS.to_vec(),
        "statefulsets" => vec![
            NAME,
            text("Ready", Made(workloads::ready_of_desired)),
            AGE,
            CONTAINERS,
            IMAGES,
        ],
        "cronjobs" => vec![
            NAME,
            text("Schedule", At("/spec/schedule")),
            text("Timezone", Made(workloads::time_zone)),
            flag("Suspend", Made(workloads::suspended)),
            number("Active", Made(workloads::active_jobs)),
            text("Last Schedule", Made(workloads::last_schedule)),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        "jobs" => vec![
            NAME,
            text("Status", Made(workloads::job_status)),
            text("Completions", Made(workloads::job_completions)),
            text("Duration", Made(workloads::job_duration)),
            AGE,
            CONTAINERS,
            IMAGES,
            SELECTOR,
        ],
        "horizontalpodautoscalers" => vec![
            NAME,
            text("Reference", Made(workloads::scaled)),
            text("Targets", Made(workloads::scale_targets)),
            text("MinPods", Made(workloads::min_replicas)),
            text("MaxPods", At("/spec/maxReplicas")),
            text("Replicas", Made(workloads::current_replicas)),
            AGE,
        ],
        "poddisruptionbudgets" => vec![
            NAME,
            text("Min Available", Made(workloads::min_available)),
            text("Max Unavailable", Made(workloads::max_unavailable)),
            number("Allowed Disruptions", At("/status/disruptionsAllowed")),
            AGE,
        ],
        _ => vec![NAME, AGE],
    }
}

fn network(plural: &str) -> Vec<Row> {
    match plural {
        "ingresses" => vec![
            NAME,
            text("Class", Made(cells::ingress_class)),
            text("Hosts", Made(cells::ingress_hosts)),
            text("Address", Made(cells::ingress_address)),
            text("Ports", Made(cells::ingress_ports)),
            AGE,
        ],
        "ingressclasses" => vec![
            text("Name", Made(cells::name_or_default)),
            text("Controller", At("/spec/controller")),
            text("Parameters", Made(cells::class_parameters)),
            AGE,
        ],
        "networkpolicies" => vec![NAME, text("Pod-Selector", Made(cells::pod_selector)), AGE],
        "servicecidrs" => vec![NAME, text("CIDRs", Made(cells::cidrs)), AGE],
        "endpointslices" => vec![
            NAME,
            text("AddressType", At("/addressType")),
            text("Ports", Made(cells::slice_ports)),
            text("Endpoints", Made(cells::slice_endpoints)),
            AGE,
        ],
        _ => vec![NAME, AGE],
    }
}

fn storage(plural: &str) -> Vec<Row> {
    match plural {
        "storageclasses" => vec![
            text("Name", Made(cells::name_or_default)),
            text("Provisioner", At("/provisioner")),
            text("ReclaimPolicy", At("/reclaimPolicy")),
            text("VolumeBindingMode", At("/volumeBindingMode")),
            text("AllowVolumeExpansion", Made(cells::volume_expansion)),
            AGE,
        ],
        "csinodes" => vec![NAME, number("Drivers", Made(cells::drivers)), AGE],
        "csistoragecapacities" => vec![NAME, ("Created At", "date", 0, Created)],
        "volumeattachments" => vec![
            NAME,
            text("Attacher", At("/spec/attacher")),
            text("PV", At("/spec/source/persistentVolumeName")),
            text("Node", At("/spec/nodeName")),
            flag("Attached", At("/status/attached")),
            AGE,
        ],
        "volumeattributesclasses" => vec![NAME, text("DriverName", At("/driverName")), AGE],
        _ => vec![NAME, AGE],
    }
}

fn other(plural: &str) -> Vec<Row> {
    const CREATED: &[Row] = &[NAME, ("Created At", "date", 0, Created)];
    const BINDING: &[Row] = &[
        NAME,
        text("Role", Made(cells::role_ref)),
        AGE,
        wide("Users", Made(cells::users)),
        wide("Groups", Made(cells::groups)),
        wide("ServiceAccounts", Made(cells::service_accounts)),
    ];
    match plural {
        "roles" | "clusterroles" | "customresourcedefinitions" => CREATED.to_vec(),
        "rolebindings" | "clusterrolebindings" => BINDING.to_vec(),
        "mutatingwebhookconfigurations" | "validatingwebhookconfigurations" => {
            vec![NAME, number("Webhooks", Made(cells::webhooks)), AGE]
        }
        "apiservices" => vec![
            NAME,
            text("Service", Made(cells::api_service)),
            text("Available", Made(cells::api_available)),
            AGE,
        ],
        "priorityclasses" => vec![
            NAME,
            number("Value", At("/value")),
            flag("Global-Default", Made(cells::global_default)),
            AGE,
            text("PreemptionPolicy", At("/preemptionPolicy")),
        ],
        "leases" => vec![NAME, text("Holder", At("/spec/holderIdentity")), AGE],
        "runtimeclasses" => vec![NAME, text("Handler", At("/handler")), AGE],
        _ => vec![NAME, AGE],
    }
}

// Package telemetry shows a node's counters to Prometheus. It keeps none of its
// own: each scrape reads [hearsay.Stats] once, so that the numbers of one page
// are of one moment.
//
// Labels are a state, a lane or a reason, each from a fixed set that is complete
// from the first scrape on. Peers, addresses and keys are never labels.
package telemetry

import (
	"net/http"
	"runtime"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/hearsay-gossip/hearsay"
)

// Source is where the numbers come from. Its fields are called on each scrape,
// concurrently if scrapes overlap.
type Source struct {
	Stats func() hearsay.Stats
	// Saves returns how often state was saved, and how often that failed; nil
	// without a data directory.
	Saves   func() (done, failed uint64)
	Version string
	// Cluster is the cluster's ID. Insecure is set where traffic is plaintext.
	Cluster  string
	Insecure bool
}

// Handler serves the numbers of a source, of the Go runtime and of the process.
func Handler(s Source) (http.Handler, error) {
	registry := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{
		NewCollector(s), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	} {
		if err := registry.Register(c); err != nil {
			return nil, err
		}
	}
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{Registry: registry}), nil
}

// NewCollector returns the collector of a source.
func NewCollector(s Source) prometheus.Collector { return collector{s} }

type collector struct{ Source }

// Describe implements prometheus.Collector.
func (c collector) Describe(descs chan<- *prometheus.Desc) {
	for _, d := range allDescs {
		descs <- d
	}
}

var allDescs []*prometheus.Desc

func desc(name, help string, labels ...string) *prometheus.Desc {
	d := prometheus.NewDesc("hearsay_"+name, help, labels, nil)
	allDescs = append(allDescs, d)
	return d
}

var (
	buildInfo   = desc("build_info", "Always 1; the labels say which program runs.", "version", "go")
	clusterInfo = desc("cluster_info", "Always 1; the labels say which cluster, and whether its traffic is sealed.", "cluster", "sealed")
	members     = desc("members", "Members known, this node included.", "state")
	health      = desc("local_health", "Local health score: 0 is well, more stretches timeouts.")
	hotRumors   = desc("hot_rumors", "Rumors that are still being spread.")
	facts       = desc("facts", "Keys of metadata known, of all members.")
	snapshotAge = desc("members_age_seconds", "Age of the membership snapshot that readers see.")

	wireSent        = desc("wire_sent_bytes_total", "Bytes sent: sealed datagrams, and frames before TLS.", "lane")
	wireReceived    = desc("wire_received_bytes_total", "Bytes received, refused datagrams included.", "lane")
	packetsSent     = desc("packets_sent_total", "Datagrams sent.")
	packetsReceived = desc("packets_received_total", "Datagrams received.")
	packetsDropped  = desc("packets_dropped_total", "Packets, frames and messages dropped.", "reason")
	framesSent      = desc("frames_sent_total", "Frames sent on streams.")
	framesReceived  = desc("frames_received_total", "Frames received on streams.")
	streamsOpened   = desc("streams_opened_total", "Streams opened by either side.")
	streamsOpen     = desc("streams_open", "Streams open now.")

	probes        = desc("probes_total", "Probes that ended, answered or not.")
	probeFailures = desc("probe_failures_total", "Probes that nothing answered within a period.")
	probeRTT      = desc("probe_rtt_seconds", "Round trip times of direct probes.")
	suspicions    = desc("suspicions_total", "Members that became suspect.")
	deaths        = desc("deaths_total", "Members that were declared dead.")
	falseDeaths   = desc("false_deaths_total", "Deaths that their subject later refuted.")
	refutations   = desc("refutations_total", "Accusations of this node that it refuted.")
	pauses        = desc("pauses_total", "Times this node was not run for long.")
	syncs         = desc("syncs_total", "Anti-entropy exchanges started here.")
	joins         = desc("joins_total", "Contacts that answered a join.")
	joinFailures  = desc("join_failures_total", "Contacts that did not answer a join, or refused.")

	stateSaves    = desc("state_saves_total", "Times the state was saved to the data directory.")
	stateFailures = desc("state_save_failures_total", "Times saving the state failed.")
)

// Collect implements prometheus.Collector.
func (c collector) Collect(metrics chan<- prometheus.Metric) {
	s := c.Stats()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v uint64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(buildInfo, 1, c.Version, runtime.Version())
	gauge(clusterInfo, 1, c.Cluster, strconv.FormatBool(!c.Insecure))
	gauge(members, float64(s.Alive), "alive")
	gauge(members, float64(s.Suspect), "suspect")
	gauge(members, float64(s.Dead), "dead")
	gauge(members, float64(s.Left), "left")
	gauge(health, float64(s.Health))
	gauge(hotRumors, float64(s.HotRumors))
	gauge(facts, float64(s.Facts))
	gauge(snapshotAge, s.SnapshotAge.Seconds())

	count(wireSent, s.DatagramBytesSent, "datagram")
	count(wireSent, s.StreamBytesSent, "stream")
	count(wireReceived, s.DatagramBytesReceived, "datagram")
	count(wireReceived, s.StreamBytesReceived, "stream")
	count(packetsSent, s.DatagramsSent)
	count(packetsReceived, s.DatagramsReceived)
	for _, d := range s.Drops {
		count(packetsDropped, d.Count, d.Reason)
	}
	count(framesSent, s.FramesSent)
	count(framesReceived, s.FramesReceived)
	count(streamsOpened, s.StreamsOpened)
	gauge(streamsOpen, float64(s.StreamsOpen))

	count(probes, s.Probes)
	count(probeFailures, s.ProbeFailures)
	metrics <- prometheus.MustNewConstHistogram(probeRTT, s.ProbeRTT.Count, s.ProbeRTT.Sum.Seconds(), cumulative(&s.ProbeRTT))
	count(suspicions, s.Suspicions)
	count(deaths, s.Deaths)
	count(falseDeaths, s.FalseDeaths)
	count(refutations, s.Refutations)
	count(pauses, s.Pauses)
	count(syncs, s.Syncs)
	count(joins, s.Joins)
	count(joinFailures, s.JoinFailures)
	if c.Saves != nil {
		done, failed := c.Saves()
		count(stateSaves, done)
		count(stateFailures, failed)
	}
}

// cumulative returns the buckets as Prometheus wants them: each counts all that
// is not above its bound.
func cumulative(h *hearsay.Histogram) map[float64]uint64 {
	buckets := make(map[float64]uint64, len(hearsay.ProbeRTTBounds))
	sum := uint64(0)
	for i, bound := range hearsay.ProbeRTTBounds {
		sum += h.Counts[i]
		buckets[bound] = sum
	}
	return buckets
}

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
	Saves func() (done, failed uint64)
	// HTTP returns how many requests were answered, by the first digit of the
	// status, and how many streams of events are open; nil without an interface.
	HTTP    func() (answers [6]uint64, streams int)
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

	published     = desc("events_published_total", "Events and queries published here.")
	delivered     = desc("events_delivered_total", "Events of others delivered here.")
	duplicates    = desc("events_duplicate_total", "Payloads of events that came though they were here.")
	repaired      = desc("events_repaired_total", "Events of others that had to be asked for.")
	missed        = desc("events_missed_total", "Events that will not come any more: nobody has them.")
	copies        = desc("events_relays_sent_total", "Relays of events sent, by why.", "reason")
	eventBytes    = desc("events_sent_bytes_total", "Bytes sent for events, by what for, before they are sealed.", "part")
	eventQueue    = desc("events_queue_bytes", "Bytes of events that wait to be sent.")
	eventWindow   = desc("events_window_bytes", "Bytes of events kept for those that missed them.")
	eventInFlight = desc("events_in_flight", "Own events that have not reached all, and not been given up.")
	eventLatency  = desc("events_receipt_seconds", "Time until an own event had reached everybody.")
	queries       = desc("queries_received_total", "Queries of others that are for this node.")
	answers       = desc("query_answers_received_total", "Answers to own queries.")

	httpAnswers = desc("http_answers_total", "Requests answered, by class of status.", "class")
	httpStreams = desc("http_streams_open", "Streams of events, messages, queries or answers open now.")

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
	c.collectMessages(&s.Messages, gauge, count, metrics)
	if c.HTTP != nil {
		answers, streams := c.HTTP()
		for class := 2; class < len(answers); class++ {
			count(httpAnswers, answers[class], strconv.Itoa(class)+"xx")
		}
		gauge(httpStreams, float64(streams))
	}
	if c.Saves != nil {
		done, failed := c.Saves()
		count(stateSaves, done)
		count(stateFailures, failed)
	}
}

func (c collector) collectMessages(m *hearsay.MessageStats, gauge func(*prometheus.Desc, float64, ...string),
	count func(*prometheus.Desc, uint64, ...string), metrics chan<- prometheus.Metric,
) {
	count(published, m.Published)
	count(delivered, m.Delivered)
	count(duplicates, m.Duplicates)
	count(repaired, m.Repaired)
	count(missed, m.Missed)
	count(copies, m.Relays-m.Retransmits, "first")
	count(copies, m.Retransmits, "again")
	count(eventBytes, m.BytesEager, "eager")
	count(eventBytes, m.BytesRepair, "repair")
	count(eventBytes, m.BytesControl, "control")
	gauge(eventQueue, float64(m.QueueBytes))
	gauge(eventWindow, float64(m.WindowBytes))
	gauge(eventInFlight, float64(m.InFlight))
	count(queries, m.Queries)
	count(answers, m.Answers)

	buckets := make(map[float64]uint64, len(m.Latency.Counts)-1)
	sum := uint64(0)
	for i, n := range m.Latency.Counts {
		sum += n
		if i < len(m.Latency.Counts)-1 {
			buckets[m.Latency.Bound(i).Seconds()] = sum
		}
	}
	metrics <- prometheus.MustNewConstHistogram(eventLatency, sum, m.Latency.Sum.Seconds(), buckets)
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

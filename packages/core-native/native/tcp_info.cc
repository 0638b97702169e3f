// See tcp_info.h.
#include "tcp_info.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>
#include <iterator>

namespace sluice {

namespace {

/// By number, from 1 on (include/net/tcp_states.h of the kernel).
constexpr const char* kStates[] = {"",           "established", "syn-sent",  "syn-received",
                                   "fin-wait-1", "fin-wait-2",  "time-wait", "closed",
                                   "close-wait", "last-ack",    "listening", "closing"};

const char* StateName(uint8_t state) {
  // A socket with a SYN in its fast open queue has number 12: it is one that received a SYN.
  return state < std::size(kStates) ? kStates[state] : "syn-received";
}

}  // namespace

Napi::Value TcpInfo(Napi::Env env, int fd) {
  // What an older kernel does not know stays 0.
  tcp_info info{};
  socklen_t length = sizeof(info);
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) != 0) return env.Undefined();
  Napi::Object object = Napi::Object::New(env);
  const auto set = [&](const char* name, auto value) {
    object.Set(name, Napi::Number::New(env, static_cast<double>(value)));
  };
  object.Set("state", StateName(info.tcpi_state));
  set("rttUs", info.tcpi_rtt);
  set("rttVarianceUs", info.tcpi_rttvar);
  set("minRttUs", info.tcpi_min_rtt);
  set("retransmitTimeoutUs", info.tcpi_rto);
  set("retransmits", info.tcpi_retransmits);
  set("totalRetransmits", info.tcpi_total_retrans);
  set("unackedSegments", info.tcpi_unacked);
  set("lostSegments", info.tcpi_lost);
  set("congestionWindowSegments", info.tcpi_snd_cwnd);
  set("slowStartThresholdSegments", info.tcpi_snd_ssthresh);
  set("sendMssBytes", info.tcpi_snd_mss);
  set("receiveMssBytes", info.tcpi_rcv_mss);
  set("pathMtuBytes", info.tcpi_pmtu);
  set("receiveSpaceBytes", info.tcpi_rcv_space);
  set("bytesAcked", info.tcpi_bytes_acked);
  set("bytesReceived", info.tcpi_bytes_received);
  set("bytesSent", info.tcpi_bytes_sent);
  set("bytesRetransmitted", info.tcpi_bytes_retrans);
  set("unsentBytes", info.tcpi_notsent_bytes);
  set("deliveryRateBytesPerSecond", info.tcpi_delivery_rate);
  set("pacingRateBytesPerSecond", info.tcpi_pacing_rate);
  set("lastSentMs", info.tcpi_last_data_sent);
  set("lastReceivedMs", info.tcpi_last_data_recv);
  return object;
}

}  // namespace sluice

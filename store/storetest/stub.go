package storetest

var escalations, handovers, forwards, callbacks []part[*world]

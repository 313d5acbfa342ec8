package storetest

var forwards, callbacks []part[*world]

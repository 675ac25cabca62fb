package main

// shell is what runs a command, which follows.
var shell = []string{"cmd", "/C"}

// Package tabular writes figures as people and programs read them: aligned
// tables, numbers with as many digits as they deserve, and JSON.
package tabular

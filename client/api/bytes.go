package api

import (
	"encoding/json"
	"errors"
	"unicode/utf8"
)

// Bytes are any bytes. In JSON they are a string when they are UTF-8, and
// otherwise an object with one field: {"base64": "…"}.
type Bytes []byte

type encodedBytes struct {
	Base64 *[]byte `json:"base64"`
}

var errBytes = errors.New(`want a string or {"base64": "…"}`)

// MarshalJSON implements json.Marshaler.
func (b Bytes) MarshalJSON() ([]byte, error) {
	if utf8.Valid(b) {
		return json.Marshal(string(b))
	}
	plain := []byte(b)
	return json.Marshal(encodedBytes{&plain})
}

// UnmarshalJSON implements json.Unmarshaler. A string that is not UTF-8 is
// refused: it would not come back as it went in.
func (b *Bytes) UnmarshalJSON(text []byte) error {
	if len(text) > 0 && text[0] == '"' {
		var s string
		if !utf8.Valid(text) {
			return errBytes
		}
		if err := json.Unmarshal(text, &s); err != nil {
			return err
		}
		*b = Bytes(s)
		return nil
	}
	var encoded encodedBytes
	if err := json.Unmarshal(text, &encoded); err != nil || encoded.Base64 == nil {
		return errBytes
	}
	*b = *encoded.Base64
	return nil
}

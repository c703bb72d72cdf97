;; Light at the vertices that are needed, and the attributes of triangles as planes over the image.
;;
;; VertexLighting and PlainShader (../../lighting.ts, ../../shade.ts) do the same in plain JavaScript and say why; each
;; operation here is the one there, in the same order and precision, so that both give the same bits. What
;; differs: pairs of numbers share one instruction (red and green, u and v).
;;
;; Everything lies in the memory of ../../raster-memory.ts. ../../shading-tables.ts makes:
;;
;;   colours    16 bytes per vertex: red, green, blue as f32 on the scale 0-255; i32 frame in which they were made
;;   records   176 bytes per triangle. Planes over the image, base, d column and d row, of pairs of f64:
;;               0 red/w and green/w    48 blue/w and 1/w    96 u/w and v/w
;;             i32: 144 frame in which they were made   148 image, -1 = none   152 packed colour if flat, else -1
;;                  156 row and block of the last level of detail   160 that level
;;   geoms      32 bytes per geom: f64 emission, f64 specular, i32 table of powers, 1026 f64
;;   lights    168 bytes per light, f64: 0 whether directional   8 cosine of the cone   16 exponent
;;              24 position   48 direction   72 attenuation   96 ambient   120 diffuse   144 specular
;;   poses      96 bytes per geom, rgba 32: f64
;;
;; Compiled by `npm run kernels` into module.ts.
(module
  (import "arena" "memory" (memory 1))
  (import "at" "columns" (global $columns i32))
  (import "at" "rows" (global $rows i32))
  (import "at" "inverseW" (global $inverseW i32))
  (import "at" "positions" (global $positions i32))
  (import "at" "normals" (global $normals i32))
  (import "at" "texcoords" (global $texcoords i32))
  (import "at" "vertexGeom" (global $vertexGeom i32))
  (import "at" "vertexImage" (global $vertexImage i32))
  (import "at" "parentA" (global $parentA i32))
  (import "at" "parentB" (global $parentB i32))
  (import "at" "fraction" (global $fraction i32))
  (import "at" "colours" (global $colours i32))
  (import "at" "geoms" (global $geoms i32))
  (import "at" "poses" (global $poses i32))
  (import "at" "rgba" (global $rgba i32))
  (import "at" "lights" (global $lights i32))
  (import "at" "lightsEnd" (global $lightsEnd i32))
  (import "at" "sceneVertices" (global $sceneVertices i32))
  ;; A base to the power of an exponent that is no whole number.
  (import "scene" "pow" (func $pow (param f64 f64) (result f64)))

  ;; Number of the frame; colours and records of others are stale.
  (global $frame (export "frame") (mut i32) (i32.const 0))
  (global $cornersA (mut i32) (i32.const 0))
  (global $cornersB (mut i32) (i32.const 0))
  (global $cornersC (mut i32) (i32.const 0))
  (global $planes (mut i32) (i32.const 0))
  (global $eyeX (mut f64) (f64.const 0))
  (global $eyeY (mut f64) (f64.const 0))
  (global $eyeZ (mut f64) (f64.const 0))
  (global $reflectance (mut f64) (f64.const 1))

  ;; Forgets the colours of the last frame. Takes the addresses of the list of triangles, the place of the eye
  ;; and the share of light that is mirrored.
  (func (export "begin")
    (param $a i32) (param $b i32) (param $c i32) (param $list i32)
    (param $x f64) (param $y f64) (param $z f64) (param $share f64)
    (global.set $frame (i32.add (global.get $frame) (i32.const 1)))
    (global.set $cornersA (local.get $a))
    (global.set $cornersB (local.get $b))
    (global.set $cornersC (local.get $c))
    (global.set $planes (local.get $list))
    (global.set $eyeX (local.get $x))
    (global.set $eyeY (local.get $y))
    (global.set $eyeZ (local.get $z))
    (global.set $reflectance (local.get $share)))

  ;; ---- Light at vertices ----

  ;; Makes the colours of a vertex those of this frame.
  (func $light (param $vertex i32)
    (local $at i32) (local $edge i32) (local $a i32) (local $b i32)
    (local $fraction v128) (local $from v128)
    (local.set $at
      (i32.add (global.get $colours) (i32.shl (local.get $vertex) (i32.const 4))))
    (if (i32.eq (i32.load offset=12 (local.get $at)) (global.get $frame)) (then (return)))
    (if (i32.lt_u (local.get $vertex) (global.get $sceneVertices))
      (then
        (call $lightSceneVertex (local.get $vertex) (local.get $at))
        (return)))
    ;; Between the ends of the edge that clipping cut.
    (local.set $edge (i32.sub (local.get $vertex) (global.get $sceneVertices)))
    (local.set $a
      (i32.load (i32.add (global.get $parentA) (i32.shl (local.get $edge) (i32.const 2)))))
    (local.set $b
      (i32.load (i32.add (global.get $parentB) (i32.shl (local.get $edge) (i32.const 2)))))
    (local.set $fraction
      (v128.load64_splat
        (i32.add (global.get $fraction) (i32.shl (local.get $edge) (i32.const 3)))))
    (call $light (local.get $a))
    (call $light (local.get $b))
    (local.set $a (i32.add (global.get $colours) (i32.shl (local.get $a) (i32.const 4))))
    (local.set $b (i32.add (global.get $colours) (i32.shl (local.get $b) (i32.const 4))))
    (local.set $from (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $a))))
    (v128.store64_lane 0 (local.get $at)
      (f32x4.demote_f64x2_zero
        (f64x2.add (local.get $from)
          (f64x2.mul (local.get $fraction)
            (f64x2.sub
              (f64x2.promote_low_f32x4 (v128.load64_zero (local.get $b)))
              (local.get $from))))))
    (local.set $from (f64x2.promote_low_f32x4 (v128.load32_zero offset=8 (local.get $a))))
    (v128.store32_lane offset=8 0 (local.get $at)
      (f32x4.demote_f64x2_zero
        (f64x2.add (local.get $from)
          (f64x2.mul (local.get $fraction)
            (f64x2.sub
              (f64x2.promote_low_f32x4 (v128.load32_zero offset=8 (local.get $b)))
              (local.get $from))))))
    (i32.store offset=12 (local.get $at) (global.get $frame)))

  ;; Lights a vertex of the scene, whose colours are at $at. Runs for each visible vertex; one function, for its terms
  ;; share most numbers.
  (func $lightSceneVertex (param $vertex i32) (param $at i32)
    (local $row i32) (local $geom i32) (local $pose i32) (local $light i32) (local $point i32)
    (local $r0 f64) (local $r1 f64) (local $r2 f64) (local $r3 f64) (local $r4 f64)
    (local $r5 f64) (local $r6 f64) (local $r7 f64) (local $r8 f64)
    (local $x f64) (local $y f64) (local $z f64)
    (local $wx f64) (local $wy f64) (local $wz f64)
    (local $nx f64) (local $ny f64) (local $nz f64)
    (local $vx f64) (local $vy f64) (local $vz f64)
    (local $tx f64) (local $ty f64) (local $tz f64)
    (local $length f64) (local $strength f64) (local $facing f64) (local $lambert f64)
    (local $specular f64) (local $dot f64) (local $step f64) (local $low f64) (local $shine f64)
    (local $entry i32)
    (local $rgbaRG v128) (local $rgbaB f64) (local $red_green v128) (local $blue f64)
    (local.set $row
      (i32.load (i32.add (global.get $vertexGeom) (i32.shl (local.get $vertex) (i32.const 2)))))
    (local.set $geom (i32.add (global.get $geoms) (i32.shl (local.get $row) (i32.const 5))))
    (local.set $pose (i32.add (global.get $poses) (i32.mul (local.get $row) (i32.const 96))))
    (local.set $r0 (f64.load offset=24 (local.get $pose)))
    (local.set $r1 (f64.load offset=32 (local.get $pose)))
    (local.set $r2 (f64.load offset=40 (local.get $pose)))
    (local.set $r3 (f64.load offset=48 (local.get $pose)))
    (local.set $r4 (f64.load offset=56 (local.get $pose)))
    (local.set $r5 (f64.load offset=64 (local.get $pose)))
    (local.set $r6 (f64.load offset=72 (local.get $pose)))
    (local.set $r7 (f64.load offset=80 (local.get $pose)))
    (local.set $r8 (f64.load offset=88 (local.get $pose)))
    ;; Where it is and which way it faces in the world.
    (local.set $point (i32.add (global.get $positions) (i32.mul (local.get $vertex) (i32.const 12))))
    (local.set $x (f64.promote_f32 (f32.load (local.get $point))))
    (local.set $y (f64.promote_f32 (f32.load offset=4 (local.get $point))))
    (local.set $z (f64.promote_f32 (f32.load offset=8 (local.get $point))))
    (local.set $wx (f64.add (f64.add (f64.add (f64.load (local.get $pose))
      (f64.mul (local.get $r0) (local.get $x))) (f64.mul (local.get $r1) (local.get $y)))
      (f64.mul (local.get $r2) (local.get $z))))
    (local.set $wy (f64.add (f64.add (f64.add (f64.load offset=8 (local.get $pose))
      (f64.mul (local.get $r3) (local.get $x))) (f64.mul (local.get $r4) (local.get $y)))
      (f64.mul (local.get $r5) (local.get $z))))
    (local.set $wz (f64.add (f64.add (f64.add (f64.load offset=16 (local.get $pose))
      (f64.mul (local.get $r6) (local.get $x))) (f64.mul (local.get $r7) (local.get $y)))
      (f64.mul (local.get $r8) (local.get $z))))
    (local.set $point (i32.add (global.get $normals) (i32.mul (local.get $vertex) (i32.const 12))))
    (local.set $x (f64.promote_f32 (f32.load (local.get $point))))
    (local.set $y (f64.promote_f32 (f32.load offset=4 (local.get $point))))
    (local.set $z (f64.promote_f32 (f32.load offset=8 (local.get $point))))
    (local.set $nx (f64.add (f64.add
      (f64.mul (local.get $r0) (local.get $x)) (f64.mul (local.get $r1) (local.get $y)))
      (f64.mul (local.get $r2) (local.get $z))))
    (local.set $ny (f64.add (f64.add
      (f64.mul (local.get $r3) (local.get $x)) (f64.mul (local.get $r4) (local.get $y)))
      (f64.mul (local.get $r5) (local.get $z))))
    (local.set $nz (f64.add (f64.add
      (f64.mul (local.get $r6) (local.get $x)) (f64.mul (local.get $r7) (local.get $y)))
      (f64.mul (local.get $r8) (local.get $z))))
    ;; Towards the eye.
    (local.set $vx (f64.sub (global.get $eyeX) (local.get $wx)))
    (local.set $vy (f64.sub (global.get $eyeY) (local.get $wy)))
    (local.set $vz (f64.sub (global.get $eyeZ) (local.get $wz)))
    (local.set $length (f64.div (f64.const 1) (call $lengthOrOne
      (local.get $vx) (local.get $vy) (local.get $vz))))
    (local.set $vx (f64.mul (local.get $vx) (local.get $length)))
    (local.set $vy (f64.mul (local.get $vy) (local.get $length)))
    (local.set $vz (f64.mul (local.get $vz) (local.get $length)))

    (local.set $point (i32.add (global.get $rgba) (i32.shl (local.get $row) (i32.const 5))))
    (local.set $rgbaRG
      (f64x2.mul (v128.load (local.get $point)) (f64x2.splat (global.get $reflectance))))
    (local.set $rgbaB (f64.mul (f64.load offset=16 (local.get $point)) (global.get $reflectance)))
    (local.set $red_green
      (f64x2.mul (v128.load64_splat (local.get $geom)) (local.get $rgbaRG)))
    (local.set $blue (f64.mul (f64.load (local.get $geom)) (local.get $rgbaB)))
    (local.set $specular (f64.load offset=8 (local.get $geom)))
    (local.set $light (i32.sub (global.get $lights) (i32.const 168)))
    (block $done
      (loop $next
        (local.set $light (i32.add (local.get $light) (i32.const 168)))
        (br_if $done (i32.ge_u (local.get $light) (global.get $lightsEnd)))
        (local.set $strength (f64.const 1))
        (if (f64.ne (f64.load (local.get $light)) (f64.const 0))
          (then
            (local.set $tx (f64.neg (f64.load offset=48 (local.get $light))))
            (local.set $ty (f64.neg (f64.load offset=56 (local.get $light))))
            (local.set $tz (f64.neg (f64.load offset=64 (local.get $light)))))
          (else
            (local.set $tx (f64.sub (f64.load offset=24 (local.get $light)) (local.get $wx)))
            (local.set $ty (f64.sub (f64.load offset=32 (local.get $light)) (local.get $wy)))
            (local.set $tz (f64.sub (f64.load offset=40 (local.get $light)) (local.get $wz)))
            (local.set $length
              (call $lengthOrOne (local.get $tx) (local.get $ty) (local.get $tz)))
            (local.set $tx (f64.div (local.get $tx) (local.get $length)))
            (local.set $ty (f64.div (local.get $ty) (local.get $length)))
            (local.set $tz (f64.div (local.get $tz) (local.get $length)))
            (local.set $strength
              (f64.div (f64.const 1)
                (f64.add
                  (f64.add
                    (f64.load offset=72 (local.get $light))
                    (f64.mul (f64.load offset=80 (local.get $light)) (local.get $length)))
                  (f64.mul
                    (f64.mul (f64.load offset=88 (local.get $light)) (local.get $length))
                    (local.get $length)))))
            (if (f64.gt (f64.load offset=8 (local.get $light)) (f64.const -2))
              (then
                (local.set $dot ;; cosine between the cone's axis and the ray
                  (f64.neg (f64.add (f64.add
                    (f64.mul (local.get $tx) (f64.load offset=48 (local.get $light)))
                    (f64.mul (local.get $ty) (f64.load offset=56 (local.get $light))))
                    (f64.mul (local.get $tz) (f64.load offset=64 (local.get $light))))))
                (br_if $next (f64.lt (local.get $dot) (f64.load offset=8 (local.get $light))))
                (local.set $strength
                  (f64.mul (local.get $strength)
                    (call $power (local.get $dot) (f64.load offset=16 (local.get $light)))))))))
        (local.set $facing (f64.add (f64.add
          (f64.mul (local.get $nx) (local.get $tx)) (f64.mul (local.get $ny) (local.get $ty)))
          (f64.mul (local.get $nz) (local.get $tz))))
        (local.set $lambert
          (select (local.get $facing) (f64.const 0) (f64.gt (local.get $facing) (f64.const 0))))
        (local.set $red_green
          (f64x2.add (local.get $red_green)
            (f64x2.mul
              (f64x2.mul (local.get $rgbaRG) (f64x2.splat (local.get $strength)))
              (f64x2.add
                (v128.load offset=96 (local.get $light))
                (f64x2.mul
                  (f64x2.splat (local.get $lambert))
                  (v128.load offset=120 (local.get $light)))))))
        (local.set $blue
          (f64.add (local.get $blue)
            (f64.mul
              (f64.mul (local.get $rgbaB) (local.get $strength))
              (f64.add
                (f64.load offset=112 (local.get $light))
                (f64.mul (local.get $lambert) (f64.load offset=136 (local.get $light)))))))
        ;; Highlight.
        (br_if $next (f64.le (local.get $facing) (f64.const 0)))
        (br_if $next (f64.eq (local.get $specular) (f64.const 0)))
        (local.set $tx (f64.add (local.get $tx) (local.get $vx)))
        (local.set $ty (f64.add (local.get $ty) (local.get $vy)))
        (local.set $tz (f64.add (local.get $tz) (local.get $vz)))
        (local.set $dot (f64.add (f64.add
          (f64.mul (local.get $nx) (local.get $tx)) (f64.mul (local.get $ny) (local.get $ty)))
          (f64.mul (local.get $nz) (local.get $tz))))
        (br_if $next (f64.le (local.get $dot) (f64.const 0)))
        (local.set $step ;; squared cosine
          (f64.div
            (f64.mul (local.get $dot) (local.get $dot))
            (f64.add (f64.add
              (f64.mul (local.get $tx) (local.get $tx)) (f64.mul (local.get $ty) (local.get $ty)))
              (f64.mul (local.get $tz) (local.get $tz)))))
        (local.set $step ;; times SPECULAR_STEPS of ../scene.ts
          (f64.mul
            (select (f64.const 1) (local.get $step) (f64.gt (local.get $step) (f64.const 1)))
            (f64.const 1024)))
        (local.set $entry (i32.trunc_sat_f64_s (local.get $step)))
        (local.set $step (f64.sub (local.get $step) (f64.convert_i32_s (local.get $entry))))
        (local.set $entry
          (i32.add
            (i32.load offset=16 (local.get $geom))
            (i32.shl (local.get $entry) (i32.const 3))))
        (local.set $low (f64.load (local.get $entry)))
        ;; Behind the last entry is a copy of it.
        (local.set $shine
          (f64.mul
            (f64.mul (local.get $specular) (local.get $strength))
            (f64.add (local.get $low)
              (f64.mul (local.get $step)
                (f64.sub (f64.load offset=8 (local.get $entry)) (local.get $low))))))
        (local.set $red_green
          (f64x2.add (local.get $red_green)
            (f64x2.mul (f64x2.splat (local.get $shine)) (v128.load offset=144 (local.get $light)))))
        (local.set $blue
          (f64.add (local.get $blue)
            (f64.mul (local.get $shine) (f64.load offset=160 (local.get $light)))))
        (br $next)))
    (v128.store64_lane 0 (local.get $at)
      (f32x4.demote_f64x2_zero
        (f64x2.mul
          (f64x2.splat (f64.const 255))
          (f64x2.pmin (f64x2.splat (f64.const 1)) (local.get $red_green)))))
    (f32.store offset=8 (local.get $at)
      (f32.demote_f64
        (f64.mul (f64.const 255)
          (select (local.get $blue) (f64.const 1) (f64.lt (local.get $blue) (f64.const 1))))))
    (i32.store offset=12 (local.get $at) (global.get $frame)))

  ;; sqrt(x^2 + y^2 + z^2), or 1 where that is 0.
  (func $lengthOrOne (param $x f64) (param $y f64) (param $z f64) (result f64)
    (local $square f64)
    (local.set $square (f64.add (f64.add
      (f64.mul (local.get $x) (local.get $x)) (f64.mul (local.get $y) (local.get $y)))
      (f64.mul (local.get $z) (local.get $z))))
    (f64.sqrt
      (select (local.get $square) (f64.const 1) (f64.gt (local.get $square) (f64.const 0)))))

  ;; By squaring where the exponent is a whole number.
  (func $power (param $base f64) (param $exponent f64) (result f64)
    (local $bits i32) (local $result f64)
    (local.set $bits (i32.trunc_sat_f64_s (local.get $exponent)))
    (if (i32.or
          (f64.ne (f64.convert_i32_s (local.get $bits)) (local.get $exponent))
          (i32.lt_s (local.get $bits) (i32.const 0)))
      (then (return (call $pow (local.get $base) (local.get $exponent)))))
    (local.set $result (f64.const 1))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $bits)))
        (if (i32.and (local.get $bits) (i32.const 1))
          (then (local.set $result (f64.mul (local.get $result) (local.get $base)))))
        (local.set $base (f64.mul (local.get $base) (local.get $base)))
        (local.set $bits (i32.shr_u (local.get $bits) (i32.const 1)))
        (br $next)))
    (local.get $result))

  ;; ---- Triangles ----

  ;; A vertex of the scene with the same geom and texture.
  (func $sceneVertex (param $vertex i32) (result i32)
    (block $done
      (loop $next
        (br_if $done (i32.lt_u (local.get $vertex) (global.get $sceneVertices)))
        (local.set $vertex
          (i32.load
            (i32.add (global.get $parentA)
              (i32.shl
                (i32.sub (local.get $vertex) (global.get $sceneVertices))
                (i32.const 2)))))
        (br $next)))
    (local.get $vertex))

  ;; Texture coordinates u and v.
  (func $texcoord (param $vertex i32) (result v128)
    (local $edge i32) (local $from v128)
    (if (i32.lt_u (local.get $vertex) (global.get $sceneVertices))
      (then
        (return (f64x2.promote_low_f32x4 (v128.load64_zero
          (i32.add (global.get $texcoords) (i32.shl (local.get $vertex) (i32.const 3))))))))
    (local.set $edge (i32.sub (local.get $vertex) (global.get $sceneVertices)))
    (local.set $from
      (call $texcoord
        (i32.load (i32.add (global.get $parentA) (i32.shl (local.get $edge) (i32.const 2))))))
    (f64x2.add (local.get $from)
      (f64x2.mul
        (v128.load64_splat (i32.add (global.get $fraction) (i32.shl (local.get $edge) (i32.const 3))))
        (f64x2.sub
          (call $texcoord
            (i32.load (i32.add (global.get $parentB) (i32.shl (local.get $edge) (i32.const 2)))))
          (local.get $from)))))

  ;; Of the triangle that is prepared, in both lanes: its first corner, the other two seen from there, 1/w of all,
  ;; and 1 / (bx cy - cx by).
  (global $ax (mut v128) (v128.const i64x2 0 0))
  (global $ay (mut v128) (v128.const i64x2 0 0))
  (global $bx (mut v128) (v128.const i64x2 0 0))
  (global $by (mut v128) (v128.const i64x2 0 0))
  (global $cx (mut v128) (v128.const i64x2 0 0))
  (global $cy (mut v128) (v128.const i64x2 0 0))
  (global $wa (mut v128) (v128.const i64x2 0 0))
  (global $wb (mut v128) (v128.const i64x2 0 0))
  (global $wc (mut v128) (v128.const i64x2 0 0))
  (global $scale (mut v128) (v128.const i64x2 0 0))

  ;; Lights the corners of a triangle and makes its planes, in $record.
  (func (export "prepare") (param $triangle i32) (param $record i32)
    (local $a i32) (local $b i32) (local $c i32) (local $image i32) (local $at i32)
    (local $colourA v128) (local $colourB v128) (local $colourC v128)
    (i32.store offset=144 (local.get $record) (global.get $frame))
    (i32.store offset=156 (local.get $record) (i32.const -1))
    (local.set $at (i32.shl (local.get $triangle) (i32.const 2)))
    (local.set $a (i32.load (i32.add (global.get $cornersA) (local.get $at))))
    (local.set $b (i32.load (i32.add (global.get $cornersB) (local.get $at))))
    (local.set $c (i32.load (i32.add (global.get $cornersC) (local.get $at))))
    (call $light (local.get $a))
    (call $light (local.get $b))
    (call $light (local.get $c))
    (local.set $image
      (i32.load
        (i32.add (global.get $vertexImage)
          (i32.shl (call $sceneVertex (local.get $a)) (i32.const 2)))))
    (i32.store offset=148 (local.get $record) (local.get $image))
    (local.set $colourA
      (v128.load (i32.add (global.get $colours) (i32.shl (local.get $a) (i32.const 4)))))
    (local.set $colourB
      (v128.load (i32.add (global.get $colours) (i32.shl (local.get $b) (i32.const 4)))))
    (local.set $colourC
      (v128.load (i32.add (global.get $colours) (i32.shl (local.get $c) (i32.const 4)))))
    ;; The fourth numbers are the frame's, of all three alike.
    (if (i32.and
          (i32.lt_s (local.get $image) (i32.const 0))
          (i32x4.all_true
            (v128.and
              (f32x4.eq (local.get $colourA) (local.get $colourB))
              (f32x4.eq (local.get $colourA) (local.get $colourC)))))
      (then
        (i32.store offset=152 (local.get $record)
          (i32.or
            (i32.or
              (call $byteOf (f32x4.extract_lane 0 (local.get $colourA)))
              (i32.shl (call $byteOf (f32x4.extract_lane 1 (local.get $colourA))) (i32.const 8)))
            (i32.shl (call $byteOf (f32x4.extract_lane 2 (local.get $colourA))) (i32.const 16))))
        (return)))
    (i32.store offset=152 (local.get $record) (i32.const -1))
    (local.set $at (i32.shl (local.get $a) (i32.const 3)))
    (global.set $ax (v128.load64_splat (i32.add (global.get $columns) (local.get $at))))
    (global.set $ay (v128.load64_splat (i32.add (global.get $rows) (local.get $at))))
    (global.set $wa (v128.load64_splat (i32.add (global.get $inverseW) (local.get $at))))
    (local.set $at (i32.shl (local.get $b) (i32.const 3)))
    (global.set $bx (f64x2.sub
      (v128.load64_splat (i32.add (global.get $columns) (local.get $at))) (global.get $ax)))
    (global.set $by (f64x2.sub
      (v128.load64_splat (i32.add (global.get $rows) (local.get $at))) (global.get $ay)))
    (global.set $wb (v128.load64_splat (i32.add (global.get $inverseW) (local.get $at))))
    (local.set $at (i32.shl (local.get $c) (i32.const 3)))
    (global.set $cx (f64x2.sub
      (v128.load64_splat (i32.add (global.get $columns) (local.get $at))) (global.get $ax)))
    (global.set $cy (f64x2.sub
      (v128.load64_splat (i32.add (global.get $rows) (local.get $at))) (global.get $ay)))
    (global.set $wc (v128.load64_splat (i32.add (global.get $inverseW) (local.get $at))))
    (global.set $scale
      (f64x2.div (f64x2.splat (f64.const 1))
        (f64x2.sub
          (f64x2.mul (global.get $bx) (global.get $cy))
          (f64x2.mul (global.get $cx) (global.get $by)))))
    (call $makePlanes (local.get $record)
      (f64x2.promote_low_f32x4 (local.get $colourA))
      (f64x2.promote_low_f32x4 (local.get $colourB))
      (f64x2.promote_low_f32x4 (local.get $colourC)))
    (call $makePlanes (i32.add (local.get $record) (i32.const 48))
      (call $blueOf (local.get $colourA))
      (call $blueOf (local.get $colourB))
      (call $blueOf (local.get $colourC)))
    ;; Beside blue goes 1/w, whose plane the rasteriser made.
    (local.set $at (i32.add (global.get $planes) (i32.mul (local.get $triangle) (i32.const 24))))
    (f64.store offset=56 (local.get $record) (f64.load (local.get $at)))
    (f64.store offset=72 (local.get $record) (f64.load offset=8 (local.get $at)))
    (f64.store offset=88 (local.get $record) (f64.load offset=16 (local.get $at)))
    (if (i32.ge_s (local.get $image) (i32.const 0))
      (then
        (call $makePlanes (i32.add (local.get $record) (i32.const 96))
          (call $texcoord (local.get $a))
          (call $texcoord (local.get $b))
          (call $texcoord (local.get $c))))))

  ;; The third of four numbers, in both lanes.
  (func $blueOf (param $colour v128) (result v128)
    (f64x2.promote_low_f32x4
      (i8x16.shuffle 8 9 10 11 8 9 10 11 8 9 10 11 8 9 10 11
        (local.get $colour) (local.get $colour))))

  ;; Planes over the image of two attributes divided by w, given those of the corners.
  (func $makePlanes (param $at i32) (param $a v128) (param $b v128) (param $c v128)
    (local $dx v128) (local $dy v128)
    (local.set $a (f64x2.mul (local.get $a) (global.get $wa)))
    (local.set $b (f64x2.sub (f64x2.mul (local.get $b) (global.get $wb)) (local.get $a)))
    (local.set $c (f64x2.sub (f64x2.mul (local.get $c) (global.get $wc)) (local.get $a)))
    (local.set $dx
      (f64x2.mul
        (f64x2.sub
          (f64x2.mul (local.get $b) (global.get $cy))
          (f64x2.mul (local.get $c) (global.get $by)))
        (global.get $scale)))
    (local.set $dy
      (f64x2.mul
        (f64x2.sub
          (f64x2.mul (local.get $c) (global.get $bx))
          (f64x2.mul (local.get $b) (global.get $cx)))
        (global.get $scale)))
    (v128.store (local.get $at)
      (f64x2.sub
        (f64x2.sub (local.get $a) (f64x2.mul (local.get $dx) (global.get $ax)))
        (f64x2.mul (local.get $dy) (global.get $ay))))
    (v128.store offset=16 (local.get $at) (local.get $dx))
    (v128.store offset=32 (local.get $at) (local.get $dy)))

  ;; A channel, clamped and rounded.
  (func $byteOf (param $channel f32) (result i32)
    (i32.trunc_sat_f64_s
      (f64.add
        (f64.min
          (f64.max (f64.promote_f32 (local.get $channel)) (f64.const 0))
          (f64.const 255))
        (f64.const 0.5)))))
